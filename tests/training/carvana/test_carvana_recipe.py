"""The Carvana recipe: learning, resuming, several processes, errors."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from tests import commands, own_process
from tests.training.tiny_cars import CPU, PLAIN, TINY, pair, write_kaggle
from training.carvana import carvana_recipe
from training.carvana.carvana_recipe import CarvanaLearner, train
from training.carvana.carvana_record import initialize_from
from training.carvana.carvana_settings import PRESETS, CarvanaRecipe
from training.data.cars.augment_cars import CarAugmentation, TrainingSources
from training.data.cars.car_batches import CarBatch
from training.engine import loop
from training.engine.checkpoint import CHECKPOINT, load_checkpoint
from training.engine.failures import TrainingError
from training.metrics.mask_predictions import ValidationSet, predict
from zoo.loading import load_folder
from zoo.segmentation import components
from zoo.segmentation.masks import iou

SOURCES = TrainingSources([pair(f"c{k}", seed=k) for k in range(6)])
HELD = ValidationSet([pair("v", angle, seed=50 + angle) for angle in (1, 2)])

pytestmark = pytest.mark.usefixtures("one_thread")


def assert_same(first: Path, second: Path) -> None:
    expected, got = (load_file(folder / "model.safetensors") for folder in (first, second))
    assert expected.keys() == got.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(array, got[name], err_msg=name)


def test_overfits_4_images(tmp_path: Path) -> None:
    four = [pair(f"c{k}", seed=k) for k in range(4)]
    recipe = replace(
        TINY, epochs=2, images=240, low_res_fraction=0.0, widths=(12, 16), peak_learning_rate=0.01,
        augmentation=CarAugmentation(32, 48, 0, 0, (1, 1), stretch=0, jitter=PLAIN),
    )  # fmt: skip
    record = train(recipe, TrainingSources(four), ValidationSet(four), tmp_path, CPU, quiet=True)
    assert record["history"][-1]["validation"]["iou"] > 0.99


@pytest.mark.parametrize(("muon_lr", "averaging"), [(0.0, 0.0), (0.1, 0.9)])
def test_a_resumed_run_equals_an_unbroken_one(
    muon_lr: float, averaging: float, tmp_path: Path, monkeypatch
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    recipe = replace(TINY, muon_lr=muon_lr, averaging=averaging)
    train(recipe, SOURCES, HELD, whole, CPU, quiet=True)

    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "CHECK_EVERY", 1)  # a checkpoint after every step
    steps = 0
    learn = CarvanaLearner.learn

    def stop(self, *arguments):
        nonlocal steps
        if steps == 3:  # in the middle of the second epoch
            raise KeyboardInterrupt
        steps += 1
        return learn(self, *arguments)

    monkeypatch.setattr(CarvanaLearner, "learn", stop)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, SOURCES, HELD, broken, CPU, quiet=True)
    monkeypatch.setattr(CarvanaLearner, "learn", learn)
    record = train(recipe, SOURCES, HELD, broken, CPU, resume=True, quiet=True)
    assert_same(whole, broken)
    assert len(record["history"]) == 2
    assert len(record["resumed"]) == 1
    unbroken = json.loads((whole / "record.json").read_text())
    assert record["history"][1]["train"] == unbroken["history"][1]["train"]


def test_a_run_is_not_overwritten_or_mixed(tmp_path: Path) -> None:
    train(TINY, SOURCES, HELD, tmp_path, CPU, quiet=True)
    with pytest.raises(TrainingError, match="--resume"):
        train(TINY, SOURCES, HELD, tmp_path, CPU, quiet=True)
    other = replace(TINY, loss="focal")
    with pytest.raises(TrainingError, match=r"loss was bce\+dice and is focal"):
        train(other, SOURCES, HELD, tmp_path, CPU, resume=True, quiet=True)


def test_a_diverging_run_stops_and_keeps_its_checkpoint(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(
        carvana_recipe.LOSSES, "bce+dice", lambda logits, target: logits.sum() * math.nan
    )
    with pytest.raises(TrainingError, match="became nan in epoch 1"):
        train(TINY, SOURCES, HELD, tmp_path, CPU, quiet=True)
    assert not (tmp_path / "model.safetensors").exists()


def test_the_zoo_answers_as_training_did(tmp_path: Path) -> None:
    held = ValidationSet(
        [pair("v", angle, seed=50 + angle, width=512, height=342) for angle in (1, 2)]
    )
    record = train(TINY, SOURCES, held, tmp_path, CPU, quiet=True)
    run = CarvanaLearner(TINY, SOURCES, held, CPU, 0)
    run.load_state(load_checkpoint(tmp_path / "checkpoint.safetensors")[0])
    model = load_folder("carvana", tmp_path, "cpu")
    for one, (_, expected, _) in zip(
        held.studio, predict(run.student.network, held.studio, CPU), strict=True
    ):
        answer = model.predict(one.image)
        settled = components.hysteresis_threshold(expected, record["threshold"])
        np.testing.assert_allclose(answer.probabilities, settled, atol=1e-5)
        assert answer.threshold == record["threshold"]


def test_a_second_part_begins_with_the_first_and_says_so(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    train(TINY, SOURCES, HELD, first, CPU, quiet=True)
    still = replace(TINY, epochs=1, peak_learning_rate=0.0)  # only BatchNorm's statistics move
    record = train(still, SOURCES, HELD, second, CPU, seed=1, quiet=True, init_from=first)
    expected, got = (load_file(folder / "model.safetensors") for folder in (first, second))
    for name, array in expected.items():
        if "running" not in name and "tracked" not in name:
            np.testing.assert_array_equal(array, got[name], err_msg=name)
    earlier = json.loads((first / "record.json").read_text())
    assert record["history"][:2] == earlier["history"]
    assert [row["epoch"] for row in record["history"]] == [1, 2, 3]
    assert record["init_from"]["seed"] == 0
    again = train(still, SOURCES, HELD, second, CPU, 1, True, quiet=True, init_from=first)
    assert again["init_from"] == record["init_from"]


@pytest.mark.parametrize("muon_lr", [0.0, 0.1])
def test_the_last_layer_may_learn_faster_than_the_rest(muon_lr: float) -> None:
    moved = {}
    for factor in (1.0, 10.0):
        recipe = replace(TINY, muon_lr=muon_lr, head_factor=factor, weight_decay=0.0)
        run = CarvanaLearner(recipe, SOURCES, HELD, CPU, 0)
        network = run.student.network
        before = {name: p.detach().clone() for name, p in network.named_parameters()}
        inputs = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))
        run.learn(CarBatch(inputs, (inputs[:, :1] > 0).float()), 0)
        moved[factor] = {n: p.detach() - before[n] for n, p in network.named_parameters()}
    for name, step in moved[1.0].items():
        factor = 10.0 if name.startswith("head.") else 1.0
        torch.testing.assert_close(moved[10.0][name], factor * step, rtol=1e-3, atol=1e-7)
        assert step.any(), name


def test_a_second_part_may_look_further_around(tmp_path: Path) -> None:
    train(TINY, SOURCES, HELD, tmp_path / "first", CPU, quiet=True)
    still = replace(TINY, epochs=1, peak_learning_rate=0.0, muon_lr=0.0, context=1)
    run = CarvanaLearner(still, SOURCES, HELD, CPU, 0)
    photos = {"photos": carvana_recipe.count(SOURCES)}
    initialize_from(run.student.network, tmp_path / "first", photos)
    before = load_folder("carvana", tmp_path / "first", "cpu").network
    for (_, expected, _), (_, got, _) in zip(
        predict(before, HELD.studio, CPU),
        predict(run.student.network, HELD.studio, CPU),
        strict=True,
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-5)
    train(replace(still, peak_learning_rate=1e-3), SOURCES, HELD, tmp_path / "third", CPU,
          quiet=True, init_from=tmp_path / "first")  # fmt: skip
    model = load_folder("carvana", tmp_path / "third", "cpu")
    assert len(model.network.context) == 1
    with pytest.raises(TrainingError, match="holds no finished run of this network"):
        train(TINY, SOURCES, HELD, tmp_path / "b", CPU, quiet=True, init_from=tmp_path / "third")


def test_a_second_part_needs_a_finished_first(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no finished run"):
        train(TINY, SOURCES, HELD, tmp_path / "b", CPU, quiet=True, init_from=tmp_path / "a")
    train(TINY, SOURCES, HELD, tmp_path / "a", CPU, quiet=True)
    fewer = TrainingSources(SOURCES.studio[:-1])
    with pytest.raises(TrainingError, match="other photos"):
        train(TINY, fewer, HELD, tmp_path / "b", CPU, quiet=True, init_from=tmp_path / "a")


def test_the_recipe_begins_small_and_ends_at_rate_zero() -> None:
    recipe = CarvanaRecipe()
    rates = [recipe.rate(step) for step in range(recipe.total_steps)]
    assert max(rates) == recipe.peak_learning_rate
    assert rates[0] < 0.01 * max(rates)
    assert rates[-1] < 1e-3 * max(rates)
    first, last = recipe.augmentation_at(0), recipe.augmentation_at(recipe.total_steps - 1)
    assert first == recipe.low_res_augmentation
    assert last == recipe.augmentation
    ends = (0, 1, recipe.total_steps - 2, recipe.total_steps - 1)
    sizes = {(m.others.height, m.others.width) for m in map(recipe.mix_at, ends)}
    assert sizes == {(256, 384), (352, 512), (416, 416)}


def test_the_second_part_follows_the_first_at_half_the_rates() -> None:
    main, both = PRESETS["one-part"], PRESETS["two-parts"]
    assert both.first_part == main
    assert both.first_steps == main.total_steps
    assert [both.rate(n) for n in range(main.total_steps)] == [
        main.rate(n) for n in range(main.total_steps)
    ]
    assert all(both.mix_at(n) == main.mix_at(n) for n in range(0, main.total_steps, 101))
    rates = [both.rate(step) for step in range(both.first_steps, both.total_steps)]
    assert max(rates) == main.peak_learning_rate / 2
    assert rates[0] < 0.1 * max(rates)
    assert rates[-1] < 1e-3 * max(rates)


def test_the_second_part_has_more_of_the_studio() -> None:
    recipe = PRESETS["two-parts"]
    first, second = (recipe.mix_at(step) for step in (recipe.low_res_steps, recipe.total_steps - 2))
    studio = [(1 - m.photo) * (1 - m.others.street - m.others.paste) for m in (first, second)]
    assert studio[1] > 1.2 * studio[0]
    assert (first.others.height, second.others.height) == (352, 352)
    assert recipe.mix_at(recipe.total_steps - 1).others.height == 416


FIRST = replace(TINY, muon_lr=0.1, averaging=0.9)
BOTH = replace(
    FIRST, epochs=FIRST.epochs + 2, second_epochs=2,
    second_augmentation=CarAugmentation(height=32, width=48, paste=0.0),
)  # fmt: skip


def test_a_run_on_another_ones_first_part_equals_one_from_nothing(tmp_path: Path) -> None:
    whole, first, second = (tmp_path / name for name in ("whole", "first", "second"))
    train(BOTH, SOURCES, HELD, whole, CPU, quiet=True)
    train(FIRST, SOURCES, HELD, first, CPU, quiet=True)
    record = train(BOTH, SOURCES, HELD, second, CPU, quiet=True, first_part=first)
    assert_same(whole, second)
    assert [row["epoch"] for row in record["history"]] == [*range(1, BOTH.epochs + 1)]
    assert record["first_part"]["command"]
    assert record["recipe"]["epochs"] == BOTH.epochs
    one, two = load_file(first / "model.safetensors"), load_checkpoint(second / CHECKPOINT)[0]
    got = load_file(second / "model.safetensors")
    for name, value in two["average"].items():
        mean = (one[name] + value) / 2
        statistic = "running" in name
        assert np.allclose(got[name], mean, atol=1e-6) != statistic or value.ndim == 0, name
    kept = (second / "checkpoint.safetensors").read_bytes()
    train(BOTH, SOURCES, HELD, second, CPU, resume=True, quiet=True, first_part=first)
    assert load_checkpoint(second / "checkpoint.safetensors")[1]["step"] == BOTH.total_steps
    assert (second / "checkpoint.safetensors").read_bytes() == kept, "its own, not taken again"


@pytest.mark.parametrize(
    ("change", "seed"), [({"loss": "focal"}, 0), ({"peak_learning_rate": 1e-3}, 0), ({}, 1)]
)
def test_a_run_that_was_another_is_no_first_part(change, seed, tmp_path: Path) -> None:
    out, first = tmp_path / "b", tmp_path / "first"
    with pytest.raises(TrainingError, match="holds no finished run"):
        train(BOTH, SOURCES, HELD, out, CPU, quiet=True, first_part=first)
    train(replace(FIRST, **change), SOURCES, HELD, first, CPU, seed=seed, quiet=True)
    with pytest.raises(TrainingError, match="no first part of this one"):
        train(BOTH, SOURCES, HELD, out, CPU, quiet=True, first_part=first)
    assert not (out / "checkpoint.safetensors").exists()


def test_a_run_that_is_shorter_than_its_second_part_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="second part alone has 2 epochs: give more"):
        train(replace(BOTH, epochs=2), SOURCES, HELD, tmp_path, CPU, quiet=True)


def test_two_processes_learn_together(tmp_path: Path) -> None:
    write_kaggle(tmp_path / "data", [pair(f"{k:012x}", seed=k) for k in range(12)])
    where = ("--data-dir", str(tmp_path / "data"), "--device", "cpu", "--precision", "float32")
    command = ("tests.training.tiny_carvana_command", *where, "--epochs", "2", "--out")
    assert own_process.run(*command, str(tmp_path / "one")) == 0
    assert own_process.run_together(2, *command, str(tmp_path / "two")) == [0, 0]
    one, two = (
        json.loads((tmp_path / name / "record.json").read_text()) for name in ("one", "two")
    )
    assert two["compute"]["processes"] == 2
    assert len(two["history"]) == 2
    # BatchNorm sees half the batch in each process: not the same, but close.
    first, second = (record["history"][0]["train"]["loss"] for record in (one, two))
    assert first == pytest.approx(second, rel=0.1)


def test_the_command_says_where_carvana_comes_from(tmp_path: Path) -> None:
    for more in ([], ["--download"]):
        done = commands.run(
            "training.carvana", "--data-dir", str(tmp_path), "--out", str(tmp_path / "x"), *more
        )
        assert done.returncode == 2
        assert "kaggle.com/c/carvana" in done.stderr
        assert "Traceback" not in done.stderr


def test_pixels_that_a_mask_does_not_know_teach_nothing() -> None:
    inputs = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    known = torch.zeros(2, 1, 32, 48, dtype=torch.bool)
    known[:, :, :, :20] = True
    target = (inputs[:, :1] > 0).float()
    ends = []
    for guess in (0.0, 1.0):
        learner = CarvanaLearner(TINY, SOURCES, HELD, CPU, 0)
        filled = torch.where(known, target, torch.full_like(target, guess))
        learner.learn(CarBatch(inputs, filled, known), 0)
        ends.append(next(learner.student.network.parameters()).detach().clone())
    assert torch.equal(*ends)
    everywhere = CarvanaLearner(TINY, SOURCES, HELD, CPU, 0)
    everywhere.learn(CarBatch(inputs, target), 0)
    assert not torch.equal(ends[0], next(everywhere.student.network.parameters()))


def test_the_record_says_what_the_model_answers(tmp_path: Path) -> None:
    record = train(TINY, SOURCES, HELD, tmp_path, CPU, quiet=True)
    model = load_folder("carvana", tmp_path, "cpu")
    found = [iou(model.predict(p.image).mask, p.read()[1]) for p in HELD.studio]
    assert record["metrics"]["validation"]["iou"] == pytest.approx(np.mean(found))
    assert record["metrics"]["validation"]["n"] == 2
