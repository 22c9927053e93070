"""bfloat16 beside float32: what counts as the same, and that `auto` reads what is recorded."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import zoo
from tests.zoo.backends import tiny_models
from training.experiments.deployment import reduced_precision
from zoo import experiments
from zoo.backends import choosing


class Turned:
    """A classifier whose answers to some images are another label."""

    def __init__(self, model: zoo.Classifier, wrong: int) -> None:
        self._model, self._wrong = model, wrong

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        found = self._model.logits(inputs).copy()
        found[: self._wrong] = -found[: self._wrong]
        return found


@pytest.mark.parametrize(("wrong", "holds"), [(0, True), (1, True), (2, False)])
def test_a_classifier_may_change_one_label_in_a_thousand(
    wrong: int, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reduced_precision, "BATCH", 1000)
    model = tiny_models.objects()
    images = np.random.default_rng(0).integers(0, 256, (1000, 32, 32, 3), dtype=np.uint8)
    found = reduced_precision._labels(model, Turned(model, wrong), images)
    assert found["n"] == 1000
    assert found["same_label"] == pytest.approx(1 - wrong / 1000)
    assert found["holds"] is holds


def test_masks_are_compared_with_the_truth_and_with_each_other() -> None:
    model = tiny_models.cars()
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    model.config["threshold"] = float(np.median(model.predict(image).probabilities))
    mask = model.predict(image).mask
    pairs = [SimpleNamespace(read=lambda: (image, mask))]
    same = reduced_precision._masks(model, model, pairs)
    assert (same["iou_float32"], same["iou"], same["iou_between"]) == (1.0, 1.0, 1.0)
    assert same["holds"]
    other = tiny_models.cars()
    other.config["threshold"] = 0.999999
    worse = reduced_precision._masks(model, other, pairs)
    assert worse["iou"] < 0.5
    assert not worse["holds"]


def test_what_is_recorded_decides_for_auto(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = reduced_precision.keys(["mnist", "cifar10"], None)
    assert ("mnist", "torch") not in {(key["model"], key["backend"]) for key in keys}
    outcome = {"n": 5, "same_label": 1.0, "holds": True}
    monkeypatch.setattr(reduced_precision, "measure", lambda key, data_dir: outcome)
    monkeypatch.setattr(reduced_precision.zoo, "list_models", lambda **_: ["cifar10"])
    arguments = ["--data-dir", "D", "--folder", str(tmp_path), "--out", str(tmp_path / "cells")]
    assert reduced_precision.main(arguments) == 0
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    content = json.loads((tmp_path / "reduced_precision.json").read_text())
    assert "100.00 % of 5 labels are the same" in content["finding"]
    assert choosing.is_as_good(zoo.info("cifar10").sha256, "torch")
    assert not choosing.is_as_good("0" * 64, "torch")
