"""A run of several parts: its schedule, the mean of their ends, and going on after a stop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tests.training.tiny_images import CPU, TINY, make_images
from training.cifar10 import cifar10_recipe, part_mean
from training.cifar10.cifar10_recipe import Cifar10Learner
from training.cifar10.cifar10_record import train_pflop
from training.cifar10.cifar10_settings import PRESETS
from training.data.image_batches import Plan, batches
from training.engine import loop
from training.engine.failures import TrainingError
from training.engine.moving_average import PartMean
from zoo.loading import load_folder
from zoo.networks.cifar_net import CifarNet

pytestmark = pytest.mark.usefixtures("one_thread")
TRAINING, VALIDATION = make_images(120), make_images(30, seed=1)
PARTS = replace(TINY, epochs=4, parts=3)  # of 2, 1 and 1 epochs; three steps each


def train(out: Path, **options) -> dict:
    return cifar10_recipe.train(PARTS, TRAINING, VALIDATION, out, CPU, quiet=True, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole")
    train(folder)
    return folder


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "model.safetensors")


def test_the_shipped_recipe_has_three_parts() -> None:
    first, second, third = PRESETS["best"].schedule(22)
    assert [(part.stop - part.start) // 22 for part in (first, second, third)] == [56, 42, 42]
    assert (first.height, second.height) == (1, third.height)
    assert 0.5 < second.height < 0.55
    assert first.left(0) == second.left(second.start) == 1
    assert (first.selects, second.selects - second.start) == pytest.approx(
        (0.3 * 56 * 22, 0.1 * 42 * 22)
    )


@pytest.mark.parametrize(("parts", "epochs"), [(1, 1), (3, 3), (3, 7), (2, 10)])
def test_the_parts_share_all_epochs(parts: int, epochs: int) -> None:
    found = replace(TINY, parts=parts, epochs=epochs).schedule(5)
    assert len(found) == parts
    assert [part.start for part in found] == [0, *(part.stop for part in found[:-1])]
    assert found[-1].stop == 5 * epochs
    assert all(part.start < part.stop for part in found)


def test_the_learning_rates_rise_again_and_the_proxy_begins_anew() -> None:
    run = Cifar10Learner(PARTS, TRAINING, None, CPU, 0)
    rates, proxies, momentum = [], [], []
    for step in range(12):
        run.learn(next(iter(run.batches(step // 3, step % 3))), step)
        rates.append(run.rate(step))
        proxies.append(run.proxy)
        momentum.append(len(run.main.muon.state))
        decays = {g["lr"] * g["weight_decay"] for g in run.main.optimizers["sgd"].param_groups[1:]}
        left = run.main.part_at(step).left(step)
        assert all(decay == pytest.approx(run.main.decay * left) for decay in decays)
    assert rates[0] == PARTS.muon_lr
    assert rates[6] == rates[9] == pytest.approx(PARTS.muon_lr * PARTS.later_height)
    assert len({id(proxy) for proxy in proxies}) == 3
    assert run.mean.count == 3


def test_the_result_is_the_mean_of_the_parts_ends(tmp_path: Path, monkeypatch) -> None:
    ends = []
    add = PartMean.add

    def noted(self, network) -> None:
        ends.append({name: value.clone().numpy() for name, value in network.state_dict().items()})
        add(self, network)

    monkeypatch.setattr(PartMean, "add", noted)
    record = train(tmp_path)
    mixed = weights(tmp_path)
    mixed["head.weight"] = mixed["head.weight"] * record["calibration"]["temperature"]
    for name in mixed:
        if "running" not in name and "tracked" not in name:
            mean = np.mean([end[name] for end in ends], axis=0)
            np.testing.assert_allclose(mixed[name], mean, atol=1e-5)
    averaged = {n: np.mean([end[n] for end in ends], axis=0) for n in mixed if "running_var" in n}
    assert any(not np.allclose(mixed[n], v, rtol=0.01) for n, v in averaged.items())
    assert len(record["history"]) == 4
    assert "3 parts" in record["selection"]
    spans = [(part["first"], part["last"]) for part in record["parts"]]
    assert spans == [(1, 2), (3, 3), (4, 4)]
    assert record["metrics"]["validation"]["n"] == 30
    assert json.loads((tmp_path / "record.json").read_text()) == record
    load_folder("cifar10", tmp_path, "cpu").predict(VALIDATION.images[0])


@pytest.mark.parametrize("stop_after", [6, 8, 9])  # at a part's end, within one, at the next end
def test_a_run_that_goes_on_ends_with_the_same_weights(
    tmp_path: Path, whole: Path, monkeypatch, stop_after: int
) -> None:
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(loop, "CHECK_EVERY", 1)
    real = loop.save_checkpoint

    def save_and_stop(path: Path, groups: dict, progress: dict) -> None:
        real(path, groups, progress)
        if progress["step"] == stop_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "save_checkpoint", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "broken")
    monkeypatch.setattr(loop, "save_checkpoint", real)
    train(tmp_path / "broken", resume=True)
    expected, got = weights(whole), weights(tmp_path / "broken")
    for name, array in expected.items():
        np.testing.assert_array_equal(array, got[name], err_msg=name)
    before = (tmp_path / "broken" / "model.safetensors").read_bytes()
    train(tmp_path / "broken", resume=True)  # finished: it is written again, unchanged
    assert (tmp_path / "broken" / "model.safetensors").read_bytes() == before


class ByLabel:
    """A proxy that finds an image the harder, the greater its label."""

    def losses(self, inputs: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, None]:
        return labels.float(), None


def test_the_statistics_are_those_of_the_images_that_the_proxy_selects() -> None:
    images, labels = torch.from_numpy(TRAINING.images), torch.from_numpy(TRAINING.labels)
    plan = Plan(images, labels, TINY.augmentation, 120, seed=0)  # one batch
    network = CifarNet(TINY.widths, TINY.depth)
    part_mean.measure_statistics(network, ByLabel(), TINY, plan, CPU)
    inputs, labels = next(batches(plan, 0, 0, CPU.processes))
    features = network.block1.pool(
        network.block1.conv1(network.whiten_act(network.whiten(inputs[labels > 4])))
    )
    norm = network.block1.bn1
    expected = features.mean(dim=(0, 2, 3)), features.var(dim=(0, 2, 3))
    found = norm.running_mean, norm.running_var
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_the_arithmetic_of_the_parts_is_that_of_their_epochs() -> None:
    later = replace(PARTS, parts=1, epochs=2, selection_start=PARTS.later_selection_start)
    first = replace(PARTS, parts=1, epochs=2)
    sum_of_parts = sum(train_pflop(recipe, 120) for recipe in (first, later))
    assert train_pflop(PARTS, 120) == pytest.approx(sum_of_parts)


def test_more_parts_than_epochs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="3 parts need at least as many epochs"):
        cifar10_recipe.train(replace(PARTS, epochs=2), TRAINING, None, tmp_path, CPU, quiet=True)
