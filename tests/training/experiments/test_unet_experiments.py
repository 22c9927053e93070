"""The car experiments and the U-Net benchmark, as rehearsals on made-up photos."""

from __future__ import annotations

import base64
import io
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import zoo.experiments
from tests.training.tiny_cars import pair, write_kaggle
from training.benchmarks import unet_vs_pytorch_unet as benchmark
from training.benchmarks.classic_unet import ClassicUNet
from training.carvana.carvana_settings import CarvanaRecipe
from training.data import carvana_photos as data
from training.engine.failures import TrainingError
from training.engine.model_folder import export
from training.experiments.segmentation import (
    object_size,
    unet_alternatives,
    unet_head_rate,
    unet_losses,
    unet_skips,
    unet_study,
)
from training.publish import half_precision
from zoo.graph.folding import fold
from zoo.weights import catalog

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def data_dir(tmp_path: Path):
    write_kaggle(tmp_path, [pair(f"{k:012x}", seed=k) for k in range(8)])
    yield tmp_path
    data._read.cache_clear()


@pytest.mark.parametrize(
    "module", [unet_skips, unet_losses, unet_head_rate, object_size, benchmark]
)
def test_a_rehearsal_writes_a_complete_experiment(module, data_dir: Path, monkeypatch) -> None:
    folder = data_dir / "experiments"
    arguments = ["--data-dir", str(data_dir), "--folder", str(folder), "--quick"]
    assert module.main(arguments) == 0
    monkeypatch.setattr(zoo.experiments, "FOLDER", folder)
    experiment = zoo.experiment(module.NAME)
    assert experiment.finding == module.finding(experiment.rows)
    assert all(0 <= row["iou"] <= 1 for row in experiment.rows)
    for entry in experiment.raw.get("maps", []):
        photo = Image.open(io.BytesIO(base64.b64decode(entry["png"])))
        assert max(photo.size) == unet_skips.MAP_WIDTH
        assert (Path(unet_skips.PHOTOS) / entry["photo"]).exists()


def test_a_rehearsal_cannot_become_a_measurement(data_dir: Path) -> None:
    with pytest.raises(TrainingError, match="folder of its own"):
        unet_skips.main(["--data-dir", str(data_dir), "--quick"])


def test_all_networks_may_learn_longer(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--data-dir", str(data_dir)]
    short = unet_study.UnetStudy("x", "?", arguments).recipe
    longer = ["--epochs", str(3 * short.epochs)]
    study = unet_study.UnetStudy("x", "?", [*arguments, *longer])
    assert study.recipe.total_steps == 3 * short.total_steps
    for count in ("0", "-1"):
        with pytest.raises(SystemExit):
            unet_study.UnetStudy("x", "?", [*arguments, "--epochs", count])
        assert "must be at least 1" in capsys.readouterr().err


def test_the_classic_unet_has_the_parameters_that_everybody_quotes() -> None:
    count = sum(p.numel() for p in ClassicUNet().parameters())
    assert count == pytest.approx(31.04e6, rel=0.001)


def test_folding_the_classic_unet_changes_no_answer() -> None:
    torch.manual_seed(0)
    network = ClassicUNet((4, 8, 12)).eval()
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(std=0.3)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    photo = torch.randn(1, 3, 21, 30)
    before = network(photo)
    assert before.shape == (1, 1, 21, 30)
    folded = fold(network, photo.numpy()).network
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    torch.testing.assert_close(folded(photo), before, atol=1e-5, rtol=1e-5)


def test_a_shrunk_photo_has_a_smaller_car_on_the_same_canvas() -> None:
    one = pair("x", width=64, height=48)
    image, mask = object_size.shrunk(one, 4)
    original = one.read()[1]
    assert image.shape == (48, 64, 3)
    assert np.count_nonzero(mask) == pytest.approx(np.count_nonzero(original) / 16, rel=0.3)


def test_tiles_of_a_network_without_surroundings_are_the_whole() -> None:
    """Where the answer at a pixel depends on that pixel alone, tiles change nothing."""
    network = torch.nn.Conv2d(3, 1, 1)
    photo = torch.nn.functional.interpolate(torch.randn(1, 3, 3, 4), size=(48, 64), mode="bicubic")
    tiles = object_size.tiled(network, photo, 2, enlarge=2)
    torch.testing.assert_close(tiles, object_size.whole(network, photo), atol=0.05, rtol=0)


def test_the_networks_are_compared_after_the_same_training() -> None:
    recipe = CarvanaRecipe(epochs=2)
    *same, longer = benchmark.runs_of([benchmark.OURS, benchmark.CLASSIC], recipe)
    assert all(run.recipe == recipe for run in same)
    seeds = {
        name: {run.seed for run in same if run.network == name}
        for name in (benchmark.OURS, benchmark.CLASSIC)
    }
    assert len(seeds[benchmark.CLASSIC]) > 1
    assert seeds[benchmark.CLASSIC] <= seeds[benchmark.OURS]
    assert (longer.network, longer.recipe.epochs) == (benchmark.OURS, 2 * benchmark.LONGER)


def test_the_studio_alone_has_neither_streets_nor_pasted_cars() -> None:
    short = CarvanaRecipe(epochs=2)
    recipe = unet_study.of_the_studio(short)
    how = recipe.low_res_augmentation
    assert (how.paste, how.street, how.unscaled) == (0.0, 0.0, 1.0)
    assert (how.height, how.width) == (
        short.low_res_augmentation.height,
        short.low_res_augmentation.width,
    )
    assert recipe.total_steps == short.total_steps


def test_the_finding_compares_what_the_seeds_have_reached() -> None:
    shared = {"float32_ms": 10.0, "bfloat16_ms": 5.0, "parameters": 2_000_000, "seconds": 100.0}
    cars = {"a": 0.5, "b": 0.96, "c": 0.98}
    ours = {"network": benchmark.OURS, "images": 10, "test_cars": cars} | shared
    classic = (
        ours
        | {"network": benchmark.CLASSIC, "parameters": 31_000_000}
        | {"float32_ms": 200.0, "bfloat16_ms": 75.0}
    )
    rows = [
        ours | {"iou": 0.96, "test_iou": 0.95},
        ours | {"iou": 0.98, "test_iou": 0.97, "seconds": 300.0},
        classic | {"iou": 0.94, "test_iou": 0.92, "seconds": 2000.0},
        classic | {"iou": 0.96, "test_iou": 0.96, "seconds": 9000.0},
        ours | {"images": 30, "iou": 0.991, "test_iou": 0.992},
    ]
    said = benchmark.finding(rows)
    assert "2.0 instead of 31.0 million" in said
    assert "20.0 times faster in float32 and 15.0 times in bfloat16" in said
    assert "validation IoU is 97.00 % (mean of 2 seeds) and that of the" in said
    assert "the classic one 95.00 % (of 2), their" in said
    assert "test IoU by seed 95.00 %, 97.00 % and 92.00 %, 96.00 % (means of 97.00 %" in said
    assert "97.00 % and 97.00 % over the cars but each" in said
    assert "the classic one learned 20.0 times as long" in said  # by the seed that both begin with
    assert "after 30 images the small one has 99.10 % and 99.20 %" in said


def test_the_finding_about_the_last_layer_names_the_faster_one_first() -> None:
    rows = [
        {"times": times, "iou": iou, "boundary_iou": iou - 0.1, "train_loss": loss}
        for times, iou, loss in ((1, 0.90, 0.30), (1, 0.92, 0.50), (8, 0.94, 0.10), (8, 0.96, 0.20))
    ]
    said = unet_head_rate.finding(rows)
    assert "training loss of 0.150 instead of 0.400" in said
    assert "Validation IoU is 95.00 % instead of 91.00 %" in said
    assert "Boundary IoU 85.00 % instead of 81.00 %" in said


def test_the_family_is_compared_and_finished_trainings_are_not_repeated(
    data_dir: Path, monkeypatch
) -> None:
    folder = data_dir / "experiments"
    arguments = ["--data-dir", str(data_dir), "--folder", str(folder), "--quick"]
    family = {name: unet_alternatives.FAMILY[name] for name in ("unet", "fcn")}
    monkeypatch.setattr(unet_alternatives, "FAMILY", family)
    assert unet_alternatives.main([*arguments, "--networks", "fcn"]) == 0
    assert not (folder / "unet_alternatives.json").exists()  # the other one is missing yet
    assert unet_alternatives.main(arguments) == 0
    monkeypatch.setattr(zoo.experiments, "FOLDER", folder)
    experiment = zoo.experiment("unet_alternatives")
    assert [row["network"] for row in experiment.rows] == list(family)
    assert experiment.finding == unet_alternatives.finding(experiment.rows)
    assert experiment.rows[1]["multiply_adds"] < experiment.rows[0]["multiply_adds"]
    assert [len(curve["iou"]) for curve in experiment.raw["curves"]] == [1, 1]

    def never(*_arguments, **_options):
        raise AssertionError("trained again")

    monkeypatch.setattr(unet_alternatives.carvana_recipe, "train", never)
    assert unet_alternatives.main(arguments) == 0

    bundle, path = data_dir / "bundle", data_dir / "catalog.json"
    monkeypatch.setattr(unet_alternatives, "export", partial(export, bundle=bundle, catalog=path))
    monkeypatch.setattr(half_precision, "CHANGE", -1.0)  # as if a figure did show it
    assert unet_alternatives.main([*arguments, "--export"]) == 0
    whole = (bundle / "carvana-fcn" / "model.safetensors").stat().st_size
    monkeypatch.setattr(half_precision, "CHANGE", 1.0)  # untrained, its masks may turn over
    assert unet_alternatives.main([*arguments, "--export"]) == 0
    assert (bundle / "carvana-fcn" / "model.safetensors").stat().st_size < 0.7 * whole
    monkeypatch.setattr(catalog, "CATALOG_PATH", path)
    assert zoo.list_models() == ["carvana-fcn"]
    assert zoo.list_models(alternatives=False) == []
    assert zoo.info("carvana-fcn").alternative_to == "carvana"
    assert "iou" in zoo.record("carvana-fcn", source="bundle")["metrics"]["test"]
    photo = np.zeros((40, 60, 3), np.uint8)
    answer = zoo.load("carvana-fcn", source="bundle").predict(photo)
    assert isinstance(answer, zoo.Segmentation)


def test_what_is_within_the_spread_of_the_seeds_is_a_tie() -> None:
    rows = [
        {"network": name, "seed": seed, "iou": iou, "milliseconds": time}
        for name, times, ious in (("a", 3, (0.95, 0.97)), ("b", 2, (0.95, 0.96)), ("c", 1, (0.5,)))
        for seed, (iou, time) in enumerate((iou, times) for iou in ious)
    ]
    said = unet_alternatives.finding(rows)
    assert "a 96.00 %, b 95.50 %, c 50.00 %" in said
    assert "within the spread of the seeds (2.00 points): b." in said
    assert "fastest is c" in said
