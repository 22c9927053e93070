"""The interview's experiments about masks, as rehearsals on made-up photos."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.experiments import rehearsal
from tests.training.tiny_cars import pair, write_kaggle
from training.data import carvana_photos
from training.engine.compute import ComputeConfig
from training.engine.distributed import Processes
from training.experiments.segmentation import (
    car_ladder,
    network_sizes,
    object_size,
    skip_cuts,
    small_cars,
    small_objects,
)
from zoo.networks.segmentation.unet import UNet

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def data_dir(tmp_path: Path):
    write_kaggle(tmp_path, [pair(f"{k:012x}", seed=k) for k in range(8)])
    yield tmp_path
    carvana_photos._read.cache_clear()


def rehearse(module: ModuleType, data_dir: Path) -> dict[str, Any]:
    folder = data_dir / "experiments"
    content = rehearsal.rehearse(module, data_dir, folder, "--precision", "float32")
    assert all(0 <= row["iou"] <= 1 for row in content["rows"])
    return content


def test_every_skip_is_cut_and_gradients_are_noted(data_dir: Path) -> None:
    content = rehearse(skip_cuts, data_dir)
    with_skips = [r for r in content["rows"] if r["network"] == "with skips" and r["seed"] == 0]
    assert {(r["cut"], r["fill"]) for r in with_skips} == {
        ("none", None),
        *((cut, fill) for cut in ("1/2", "1/4", "1/8", "all") for fill in ("zero", "mean")),
    }
    without = [r for r in content["rows"] if r["network"] == "without skips"]
    assert {r["cut"] for r in without} == {"none"}
    assert {g["network"] for g in content["gradients"]} == set(skip_cuts.NETWORKS)
    assert all(g["first"] > 0 and g["last"] > 0 for g in content["gradients"])


def test_a_cut_takes_the_detail_and_heals() -> None:
    torch.manual_seed(0)
    network = UNet((4, 6, 8)).eval()
    image = torch.randn(1, 3, 32, 48)
    before = network(image)
    with skip_cuts.cut(network, ["1/2"], "zero"):
        assert not torch.allclose(network(image), before)
    assert torch.equal(network(image), before)
    even = image.mean(dim=(2, 3), keepdim=True).expand_as(image).clone()
    inner = np.s_[:, :, 12:-12, 12:-12]  # far from the zeros around the image
    whole = network(even)
    with skip_cuts.cut(network, ["1/2"], "mean"):
        assert torch.allclose(network(even)[inner], whole[inner], atol=0.1)


def test_small_objects_have_all_methods_at_all_sizes_with_their_cost(data_dir: Path) -> None:
    content = rehearse(small_objects, data_dir)
    rows = [r for r in content["rows"] if r["seed"] == 0]
    assert len(rows) == len(small_objects.NETWORKS) * 5 * len(small_objects.WAYS)
    cost = {(r["network"], r["method"]): r["gflop"] for r in rows}
    assert cost["many sizes", "working resolution × 2"] == pytest.approx(
        4 * cost["many sizes", "as it is"], rel=0.2
    )
    fine = cost["many sizes, an extra fine level", "as it is"]
    assert fine > cost["many sizes", "as it is"]


def test_sizes_differ_in_width_and_resolution(data_dir: Path) -> None:
    content = rehearse(network_sizes, data_dir)
    assert len({r["network"] for r in content["rows"]}) == len(network_sizes.SIZES)
    assert network_sizes.widths_of(0.5) == [8, 16, 32, 48]


def test_the_car_ladder_ends_with_the_shipped_network(data_dir: Path) -> None:
    rows = rehearse(car_ladder, data_dir)["rows"]
    assert [row["rung"] for row in rows] == sorted(row["rung"] for row in rows)
    assert rows[-1]["name"] == car_ladder.SHIPPED
    assert rows[-1]["iou"] > 0.98


def test_errors_near_the_edge_are_told_from_those_inside() -> None:
    true = np.zeros((40, 40), bool)
    true[10:30, 10:30] = True
    hole = true.copy()
    hole[18:22, 18:22] = False
    assert small_cars.edge_errors(true, true) == 1.0
    assert small_cars.edge_errors(hole, true) == 0.0
    thick = true.copy()
    thick[8:10, 10:30] = True
    assert small_cars.edge_errors(thick, true) == 1.0


def test_a_small_unet_learns_a_box(data_dir: Path) -> None:
    photos = carvana_photos.load(data_dir, "train")
    recipe = small_cars.StudioRecipe(
        1e-2, widths=(6, 8), resolution=48, images=160, batch=4, zoom=(1.0, 1.0)
    )
    compute = ComputeConfig(Processes(0, 1, torch.device("cpu")))
    network = small_cars.train(recipe, photos, 0, compute)
    assert small_cars.quality(network, photos, 48, compute)["iou"] > 0.8


def test_tiles_together_answer_as_the_whole_away_from_their_seams() -> None:
    network = torch.nn.Conv2d(3, 1, 3, padding=1)
    inputs = torch.randn(1, 3, 128, 192)
    with torch.no_grad():
        tiles, whole = object_size.tiled(network, inputs, 2, enlarge=1), network(inputs)
    apart = (tiles - whole).abs()[0, 0]
    seams = {64 - object_size.TILE_OVERLAP, 64 + object_size.TILE_OVERLAP - 1}
    rows = [row for row in range(128) if row not in seams]
    edges = {96 - object_size.TILE_OVERLAP, 96 + object_size.TILE_OVERLAP - 1}
    columns = [column for column in range(192) if column not in edges]
    assert apart[rows][:, columns].max() < 1e-5
    assert apart.max() > 1e-3  # at its own border a tile sees zeros
