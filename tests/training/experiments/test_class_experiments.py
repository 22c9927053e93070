"""The interview's experiments about classifiers, as rehearsals on a made-up CIFAR-10."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.experiments import rehearsal
from tests.training.tiny_images import make_images, write_batches
from training.data.augment_images import ImageAugmentation
from training.data.image_batches import Plan
from training.experiments.classification import (
    cifar_ladder,
    data_loader,
    data_order,
    generalization_gap,
    train_faster,
    validation_jumps,
)
from training.experiments.classification.quick_training import QuickRecipe

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cifar")
    write_batches(folder / "cifar-10-batches-py", make_images(500), make_images(60, seed=1))
    return folder


def rehearse(module: ModuleType, data_dir: Path, folder: Path) -> dict[str, Any]:
    trains = module not in (data_loader, train_faster)
    more = ("--precision", "float32") if trains else ()
    assert not trains or len(module.SEARCH.seeds) >= 3
    return rehearsal.rehearse(module, data_dir, folder, *more)


def test_the_gap_has_every_remedy_alone_and_piled_up(data_dir: Path, tmp_path: Path) -> None:
    content = rehearse(generalization_gap, data_dir, tmp_path)
    rows = content["rows"]
    alone = {row["variant"] for row in rows if row["series"] == "alone"}
    assert alone == {"plain", "smaller network", "early stopping", *generalization_gap.REMEDIES}
    places = {row["place"] for row in rows if row["series"] == "one after another"}
    assert places == set(range(2, len(generalization_gap.REMEDIES) + 1))
    for row in rows:
        assert row["gap"] == pytest.approx(row["train_accuracy"] - row["accuracy"], abs=1e-4)
        assert (row["stopped_at"] is not None) == (row["variant"] == "early stopping")
    finished = list((tmp_path / "finished").glob("*.json"))
    stamps = {path: path.stat().st_mtime_ns for path in finished}
    rehearse(generalization_gap, data_dir, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps  # nothing trained again


def test_jumps_cross_all_factors_and_explain_the_whole_variance(
    data_dir: Path, tmp_path: Path
) -> None:
    content = rehearse(validation_jumps, data_dir, tmp_path)
    rows = content["rows"]
    assert len(rows) == 2 * 2 * 3 * 2  # schedules, batches, sizes, weights
    assert sum(e["share"] for e in content["effects"]) == pytest.approx(1)
    for curve in content["curves"]:
        for epoch in curve["epochs"]:
            mixed = (
                epoch["accuracy"] * epoch["right_loss"]
                + (1 - epoch["accuracy"]) * epoch["wrong_loss"]
            )
            assert mixed == pytest.approx(epoch["loss"], rel=1e-3)


def test_an_effect_is_found_where_it_was_put() -> None:
    rows = [
        {"schedule": s, "batch": b, "validation_images": v, "weights": w}
        | {"loss_jump": {"constant": 0.4, "cosine": 0.1}[s] * {250: 2, 1000: 1, 5000: 0.5}[v]}
        for s in ("constant", "cosine")
        for b in (32, 256)
        for v in (250, 1000, 5000)
        for w in ("last", "averaged")
    ]
    found = {e["factor"]: e for e in validation_jumps.effects(rows)}
    assert found["batch"]["share"] == pytest.approx(0, abs=1e-9)
    assert found["schedule"]["ratio"] == pytest.approx(4)
    assert found["validation_images"]["ratio"] == pytest.approx(4)
    assert found["seed and interactions"]["share"] == pytest.approx(0, abs=1e-9)


def test_a_smaller_validation_set_jumps_more() -> None:
    rng = np.random.default_rng(0)
    losses = rng.exponential(1.0, (12, 5000))
    right = (losses < 1).astype(float)
    jumps = [validation_jumps.jump(losses, right, size)["loss_jump"] for size in (250, 1000, 5000)]
    assert jumps[0] > jumps[1] > jumps[2]
    assert jumps[0] / jumps[1] == pytest.approx(2, rel=0.4)  # √(1000 / 250)


def test_orders_are_what_they_are_called(data_dir: Path, tmp_path: Path) -> None:
    images = make_images(80)
    plan = Plan(
        torch.from_numpy(images.images), torch.from_numpy(images.labels),
        ImageAugmentation(translate=2), 20, seed=0,
    )  # fmt: skip
    sequence = data_order.sequence
    assert plan.labels[sequence(plan, "sorted by class", 3)].tolist() == sorted(images.labels)
    once = [sequence(plan, "shuffled once", epoch).tolist() for epoch in (0, 1)]
    anew = [sequence(plan, "shuffled each epoch", epoch).tolist() for epoch in (0, 1)]
    assert once[0] == once[1]
    assert anew[0] != anew[1]
    draws = plan.augmentation.draw(torch.arange(20), 80, 32, (0, 0, 0))
    shifts = data_order.same_numbers(draws).shifts.reshape(-1, data_order.WORKERS, 2)
    assert (shifts == shifts[:, :1]).all()
    content = rehearse(data_order, data_dir, tmp_path)
    classes = {row["order"]: row["classes_in_batch"] for row in content["rows"]}
    assert classes["sorted by class"] < classes["shuffled each epoch"]


def test_a_constant_rate_stays_and_a_cosine_falls() -> None:
    constant, cosine = (QuickRecipe(0.1, 4, schedule=s) for s in ("constant", "cosine"))
    assert constant.rate(0, 80) < constant.rate(40, 80) == constant.rate(79, 80) == 0.1
    assert cosine.rate(79, 80) < 0.01 < cosine.rate(12, 80)


def test_the_ladder_ends_with_the_recorded_recipes(data_dir: Path, tmp_path: Path) -> None:
    rows = rehearse(cifar_ladder, data_dir, tmp_path)["rows"]
    assert [row["rung"] for row in rows] == sorted(row["rung"] for row in rows)
    assert {row["name"] for row in rows if not row["recorded"]} == {
        *cifar_ladder.RUNGS, cifar_ladder.WIDER,
    }  # fmt: skip
    assert all(row["accuracy"] > 0.93 for row in rows if row["recorded"])
    sizes = {row["name"]: row["parameters"] for row in rows}
    assert sizes["softmax regression"] == 3072 * 10 + 10


def test_the_loader_is_timed_in_all_combinations(data_dir: Path, tmp_path: Path) -> None:
    rows = rehearse(data_loader, data_dir, tmp_path)["rows"]
    cases = {(r["source"], r["augmentation"], r["workers"]) for r in rows}
    assert len(cases) == len(rows) == 2 * 2 * 2
    assert all(row["step_ms"] > 0 and row["loader_images_per_second"] > 0 for row in rows)


def test_light_changes_keep_the_pixels_and_heavy_ones_do_not() -> None:
    pixels = make_images(1).images[0]
    torch.manual_seed(0)
    lightly = data_loader.light(pixels)
    assert lightly.shape == pixels.shape
    assert set(map(tuple, lightly.reshape(-1, 3))) <= set(map(tuple, pixels.reshape(-1, 3)))
    assert (data_loader.heavily(pixels) != pixels).any()


def test_each_way_to_train_faster_says_which_lines_change(data_dir: Path, tmp_path: Path) -> None:
    content = rehearse(train_faster, data_dir, tmp_path)
    cases = {(row["series"], row["variant"]) for row in content["rows"]}
    assert ("one after another", train_faster.BEGIN) in cases
    assert not {name for _, name in cases} & train_faster.GPU_ONLY  # never guessed
    lines = {
        d["variant"]: [line for line in d["lines"] if line[0] in "+-"]
        for d in content["diffs"]
        if d["series"] == "alone"
    }
    assert any("autocast" in line for line in lines["bfloat16 autocast"])
    assert any("channels_last" in line for line in lines["channels_last"])
    assert len(lines["larger batch"]) == 2


def test_a_gpu_run_keeps_the_rows_of_the_cpu(tmp_path: Path) -> None:
    path = tmp_path / "train_faster.json"
    path.write_text(json.dumps({"rows": [{"device": "cpu"}, {"device": "cuda"}]}))
    assert train_faster.other_rows(path, "cuda") == [{"device": "cpu"}]
    assert train_faster.other_rows(tmp_path / "none.json", "cuda") == []
    names = {name for _, name, _ in train_faster.ways("cuda", compiles=True)}
    assert names >= train_faster.GPU_ONLY
