"""The mean of the weights of a CIFAR-10 run's parts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tests.training.tiny_images import CPU, TINY, make_images
from training.cifar10 import average_parts, cifar10_recipe, cifar10_record
from training.data.image_batches import Plan, batches
from training.engine.failures import TrainingError
from training.metrics.ood_detection import detect
from zoo.loading import load_folder
from zoo.networks.cifar_net import CifarNet

pytestmark = pytest.mark.usefixtures("one_thread")
TRAINING, VALIDATION = make_images(120), make_images(30, seed=1)
LATER = replace(TINY, epochs=2, whiten_epochs=0)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("parts")
    folders = [root / name for name in "abc"]
    for seed, (recipe, folder) in enumerate(zip((TINY, LATER, LATER), folders, strict=True)):
        before = folders[seed - 1] if seed else None
        cifar10_recipe.train(
            recipe, TRAINING, VALIDATION, folder, CPU, seed, quiet=True, init_from=before
        )
    return folders


def unscaled(folder: Path) -> dict[str, np.ndarray]:
    """Return a run's weights, the temperature taken out of the head again."""
    weights = load_file(folder / "model.safetensors")
    record = json.loads((folder / "record.json").read_text())
    weights["head.weight"] = weights["head.weight"] * record["calibration"]["temperature"]
    return weights


def test_the_weights_are_the_mean_and_the_statistics_are_measured_anew(
    parts: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "mean"
    record = average_parts.run(parts, TRAINING, VALIDATION, out, CPU)
    a, b, c, mixed = (unscaled(folder) for folder in (*parts, out))
    for name in a:
        if "running" not in name and "tracked" not in name:
            np.testing.assert_allclose(mixed[name], (a[name] + b[name] + c[name]) / 3, atol=1e-5)
    averaged = {n: (a[n] + b[n] + c[n]) / 3 for n in a if "running_var" in n}
    assert any(not np.allclose(mixed[n], v, rtol=0.01) for n, v in averaged.items())
    assert [row["epoch"] for row in record["history"]] == list(range(1, 8))
    assert record["train_pflop"] == record["init_from"]["train_pflop"], (
        "all parts', and nothing more"
    )
    assert record["metrics"]["validation"]["n"] == 30
    assert json.loads((out / "record.json").read_text()) == record
    load_folder("cifar10", out, "cpu").predict(VALIDATION.images[0])


def test_statistics_of_all_images_are_others(parts: list[Path], tmp_path: Path) -> None:
    hardest, everything = (tmp_path / name for name in ("hardest", "everything"))
    average_parts.run(parts, TRAINING, VALIDATION, hardest, CPU)
    average_parts.run(parts, TRAINING, VALIDATION, everything, CPU, all_images=True)
    a, b = unscaled(hardest), unscaled(everything)
    for name in a:
        same = np.allclose(a[name], b[name], rtol=1e-4)
        assert same != ("running_" in name), name


class ByLabel:
    """A proxy that finds an image the harder, the greater its label."""

    def losses(self, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, None]:
        return labels.float(), None


def test_the_statistics_are_those_of_the_images_that_the_proxy_selects() -> None:
    images, labels = torch.from_numpy(TRAINING.images), torch.from_numpy(TRAINING.labels)
    plan = Plan(images, labels, TINY.augmentation, 120, seed=0)  # one batch
    network = CifarNet(TINY.widths, TINY.depth)
    average_parts.measure_statistics(network, ByLabel(), TINY, plan, CPU)
    inputs, labels = next(batches(plan, 0, 0, CPU.processes))
    features = network.block1.pool(
        network.block1.conv1(network.whiten_act(network.whiten(inputs[labels > 4])))
    )
    norm = network.block1.bn1
    expected = features.mean(dim=(0, 2, 3)), features.var(dim=(0, 2, 3))
    found = norm.running_mean, norm.running_var
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_a_final_mean_takes_the_calibration_of_the_one_before(
    parts: list[Path], tmp_path: Path
) -> None:
    before = average_parts.run(parts[:2], TRAINING, VALIDATION, tmp_path / "before", CPU)
    more = make_images(150)
    cifar10_recipe.train(LATER, more, None, tmp_path / "d", CPU, quiet=True, init_from=parts[1])
    record = average_parts.run(
        [*parts[:2], tmp_path / "d"], more, None, tmp_path / "mean", CPU, tmp_path / "before"
    )
    assert record["calibration"]["temperature"] == before["calibration"]["temperature"]
    assert (
        record["metrics"]["validation"]["accuracy"] == before["metrics"]["validation"]["accuracy"]
    )
    own, earlier = record["ood"], before["ood"]
    assert own["threshold"] == earlier["threshold"]
    network = load_folder("cifar10", tmp_path / "mean", "cpu").network
    answers = cifar10_record.answers_of(network, CPU)
    found = detect(answers, own["threshold"], 32, None)["detection_rates"]
    assert own["detection_rates"] == pytest.approx(found, abs=0.005), "of the final weights"
    assert found != earlier["detection_rates"]
    with pytest.raises(TrainingError, match="--final is for parts"):
        average_parts.run([*parts[:2], tmp_path / "d"], TRAINING, VALIDATION, tmp_path / "x", CPU)


def test_parts_that_do_not_belong_together_are_named(parts: list[Path], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="b did not begin with the run given before it"):
        average_parts.run([parts[2], parts[1]], TRAINING, VALIDATION, tmp_path / "x", CPU)
    with pytest.raises(TrainingError, match="nowhere holds no finished"):
        average_parts.run([tmp_path / "nowhere"], TRAINING, VALIDATION, tmp_path / "x", CPU)
    assert not (tmp_path / "x").exists()
