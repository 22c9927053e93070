"""What these experiments share: the search, what is kept, stops, curves."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.training.experiments.batch_norm.norm_rehearsal import TINY, run
from tests.training.tiny_images import make_images
from training.engine import provenance
from training.engine.failures import TrainingError
from training.experiments import cells
from training.experiments.batch_norm import batch_norm_speed, small_study, small_training
from training.experiments.batch_norm.small_network import Design
from training.experiments.batch_norm.small_training import SmallRecipe, train


def test_the_search_grows_the_ladder_where_the_best_rate_is_its_end(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def stub(key: Any, *_: Any) -> dict[str, Any]:
        recipe = key["recipe"]
        asked.append((recipe["learning_rate"], recipe["epochs"]))
        best = 0.7 if recipe["epochs"] < 8 else 0.4  # short and long trainings may differ
        accuracy = 0.9 - abs(math.log(recipe["learning_rate"] / best)) / 10
        return {"accuracy": accuracy, "diverged": False, "seconds": 1, "curve": [], "epochs": []}

    monkeypatch.setattr(small_study, "train_cell", stub)
    options = ["--data-dir", str(data_dir), "--folder", str(tmp_path), "--out", str(tmp_path / "o")]
    study = small_study.SmallStudy("x", "x?", [*options, "--epochs", "8"])
    assert study.search(TINY, (0.1, 0.2, 0.4)) == 0.4
    assert asked == [(0.1, 2), (0.2, 2), (0.4, 2), (0.8, 2), (1.6, 2), *asked[5:]]
    assert sorted(asked[5:]) == [(0.4, 8), (0.8, 8)]


def test_a_stopped_experiment_goes_on_where_it_was(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def stub(limit: int) -> Any:
        def train_cell(*_: Any) -> dict[str, Any]:
            if len(calls) == limit:
                raise KeyboardInterrupt
            calls.append(len(calls))
            epochs = [{"epoch": 1, "loss": 1.0, "accuracy": 0.5}]
            return {"accuracy": 0.5, "diverged": False, "curve": [], "epochs": epochs, "seconds": 1}

        return train_cell

    monkeypatch.setattr(small_study, "train_cell", stub(7))
    with pytest.raises(KeyboardInterrupt):
        run(batch_norm_speed, data_dir, tmp_path)
    assert not (tmp_path / "batch_norm_speed.json").exists()
    monkeypatch.setattr(small_study, "train_cell", stub(1000))
    run(batch_norm_speed, data_dir, tmp_path)
    kept = len(calls)
    assert kept == len(list((tmp_path / "finished").iterdir()))  # no cell was measured twice
    monkeypatch.setattr(small_study, "train_cell", stub(kept))
    run(batch_norm_speed, data_dir, tmp_path)  # and a third run measures nothing


def test_a_rehearsal_never_lands_among_the_measurements(data_dir: Path) -> None:
    with pytest.raises(TrainingError, match="--folder of its own"):
        batch_norm_speed.main(["--data-dir", str(data_dir), "--quick"])
    assert not (provenance.EXPERIMENTS / "cells").exists()


def test_a_damaged_cell_is_named(tmp_path: Path) -> None:
    grid = cells.CellGrid(tmp_path)
    assert grid.cell({"a": 1}, lambda: {"x": 2}) == {"x": 2}
    (path,) = tmp_path.iterdir()
    path.write_text("{")
    with pytest.raises(TrainingError, match="delete it"):
        grid.cell({"a": 1}, lambda: {"x": 3})


def test_a_diverging_run_stops_and_says_so() -> None:
    images = make_images(200)
    recipe = SmallRecipe(1e6, epochs=3, batch=20)
    _, result = train(Design("none", widths=(8, 16, 16)), recipe, images, images[:40], 0)
    assert result["diverged"]
    assert len(result["epochs"]) == 1
    assert math.isfinite(result["curve"][-1]["loss"])
    json.dumps(result, allow_nan=False)


def test_curves_are_as_fine_as_promised() -> None:
    images = make_images(320)
    _, result = train(TINY, SmallRecipe(0.05, epochs=2, batch=20), images, images[:20], 0)
    assert [point["step"] for point in result["curve"]] == list(range(2, 33, 2))
    assert small_training.CURVE_POINTS == 8


def test_bfloat16_changes_little(data_dir: Path) -> None:
    images = make_images(200)
    ends = [
        train(TINY, SmallRecipe(0.02, 2, 20, bfloat16=b), images, images[:60], 0)[1]["curve"][-1]
        for b in (False, True)
    ]
    assert ends[0]["loss"] != ends[1]["loss"]
    assert ends[0]["loss"] == pytest.approx(ends[1]["loss"], rel=0.1)
