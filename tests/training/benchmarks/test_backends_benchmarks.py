"""Timings of backends: int8 comes near, each way measured through itself, busy cores busy."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.zoo.backends import tiny_models
from training.benchmarks import busy_cores, inference_backends
from zoo import experiments

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytest.importorskip("openvino", reason="openvino is not installed")


def pairs(model, count: int) -> list[SimpleNamespace]:
    """Photos whose true mask is what the model says of them: half of each."""
    draw = np.random.default_rng(0)
    first = model.predict(draw.integers(0, 256, (64, 96, 3), dtype=np.uint8))
    model.config["threshold"] = float(np.median(first.probabilities))
    found = []
    for number in range(count):
        image = draw.integers(0, 256, (64, 96, 3), dtype=np.uint8)
        mask = model.predict(image).mask
        found.append(
            SimpleNamespace(name=f"car{number % 2}_{number}", read=lambda p=(image, mask): p)
        )
    return found


def test_int8_answers_nearly_the_same_in_both_runtimes() -> None:
    model = tiny_models.cars()
    photos = pairs(model, 4)
    for answer in inference_backends.int8_ways(model, photos).values():
        inputs = model.preprocess(photos[0].read()[0])[None]
        exact, found = model.logits(inputs), answer(inputs)
        assert not np.array_equal(exact, found)
        assert np.abs(exact - found).max() < 0.25 * np.abs(exact).max()
        iou = inference_backends.iou_of(model, answer, photos)
        assert 0.6 < iou < 1.0
        assert model.engine is None  # as it was


def test_iou_is_that_of_the_way_that_is_asked() -> None:
    model = tiny_models.cars()
    photos = pairs(model, 2)
    assert inference_backends.iou_of(model, model.plain_logits, photos) == 1.0
    nothing = inference_backends.iou_of(
        model, lambda x: np.full((1, 1, *x.shape[2:]), -99.0), photos
    )
    assert nothing == 0.0


def test_busy_processes_make_an_answer_slower(tmp_path: Path, monkeypatch) -> None:
    arguments = ["--model", "mnist", "--ways", "one thread", "--seconds", "0.3"]
    assert busy_cores.main([*arguments, "--folder", str(tmp_path)]) == 0
    monkeypatch.setattr(experiments, "FOLDER", tmp_path)
    alone, beside = experiments.experiment("busy_cores").rows
    assert alone["busy"] == 0 < beside["busy"]
    assert 0 < alone["milliseconds"] <= alone["slowest"]
    assert beside["cpu_milliseconds"] > 0
