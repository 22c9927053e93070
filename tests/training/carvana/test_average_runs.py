"""Weights between those of two parts of a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tests.training.tiny_cars import CPU, TINY, pair
from training.carvana import average_runs
from training.carvana.carvana_recipe import train
from training.carvana.carvana_settings import CarvanaRecipe
from training.data.augment_cars import TrainingSources
from training.engine.failures import TrainingError
from training.engine.recipe_json import read_recipe
from training.metrics.mask_predictions import ValidationSet
from zoo.loading import load_folder
from zoo.networks.segmentation.unet import UNet

pytestmark = pytest.mark.usefixtures("one_thread")
SOURCES = TrainingSources([pair(f"c{k}", seed=k) for k in range(4)])
HELD = ValidationSet([pair("v", angle, seed=50 + angle) for angle in (1, 2)])
RECIPE = replace(TINY, epochs=1)


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "first", tmp_path / "second"
    train(RECIPE, SOURCES, HELD, first, CPU, quiet=True)
    train(RECIPE, SOURCES, HELD, second, CPU, seed=1, quiet=True, init_from=first)
    return first, second


def test_the_weights_lie_between_and_the_statistics_are_measured_anew(
    parts: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "between"
    record = average_runs.run(*parts, 0.25, SOURCES, HELD, out, CPU)
    a, b, mixed = (load_file(folder / "model.safetensors") for folder in (*parts, out))
    for name in a:
        if "running" not in name and "tracked" not in name:
            np.testing.assert_allclose(mixed[name], 0.75 * a[name] + 0.25 * b[name], atol=1e-6)
    moved = [n for n in a if "running_var" in n and not np.allclose(mixed[n], b[n], rtol=0.01)]
    assert moved
    assert record["alpha"] == 0.25
    assert record["init_from"]["init_from"]["seed"] == 0, "both parts are told"
    assert len(record["history"]) == 2
    assert record["metrics"]["validation"]["n"] == 2
    assert json.loads((out / "record.json").read_text()) == record
    load_folder("carvana", out, "cpu").predict(HELD.studio[0].image)


def test_blocks_that_only_the_second_has_add_their_share() -> None:
    first, second = UNet((4, 8)), UNet((4, 8), context=1)
    torch.nn.init.normal_(second.context[0].mix_bn.weight)
    ends = [n.state_dict() for n in (first, second)]
    image = torch.randn(1, 3, 16, 16)
    for share, expected in ((0.0, first), (1.0, second)):
        mixed = UNet((4, 8), context=1).eval()
        mixed.load_state_dict(average_runs.average(*ends, share))
        torch.testing.assert_close(mixed(image), expected.eval()(image))


def test_the_statistics_are_those_of_training_images(parts: tuple[Path, Path]) -> None:
    recipe = read_recipe(
        CarvanaRecipe, json.loads((parts[1] / "record.json").read_text())["recipe"]
    )
    assert recipe == RECIPE
    network = load_folder("carvana", parts[1], "cpu").network
    inputs: list[torch.Tensor] = []
    first = network.down[0].first
    hook = first.conv.register_forward_hook(lambda _, __, out: inputs.append(out))
    average_runs.measure_statistics(network, SOURCES, recipe, CPU, count=2)
    hook.remove()
    expected = torch.stack([x.mean(dim=(0, 2, 3)) for x in inputs]).mean(dim=0)
    torch.testing.assert_close(first.bn.running_mean, expected)
    assert not network.training


def test_only_a_run_and_its_second_part_are_averaged(
    parts: tuple[Path, Path], tmp_path: Path
) -> None:
    first, second = parts
    for a, b, message in (
        (second, first, "did not begin with"),
        (tmp_path, second, "did not begin with"),
        (second, second, "began with other weights"),
    ):
        with pytest.raises(TrainingError, match=message):
            average_runs.run(a, b, 0.5, SOURCES, HELD, tmp_path / "out", CPU)
    assert not (tmp_path / "out").exists()
