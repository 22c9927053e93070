"""How far a confidence can be believed, in bins."""

from __future__ import annotations

import numpy as np
import pytest
from torch import from_numpy

from training.engine.temperature_scaling import expected_calibration_error
from training.metrics import reliability
from zoo.functions import softmax


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    """Return (N, 4) logits and the labels that they are often right about."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 1000)
    return rng.normal(size=(1000, 4)) + 1.5 * np.eye(4)[labels], labels


def test_the_bins_count_every_answer_once_and_their_gaps_are_the_error(answers) -> None:
    from torchmetrics.functional.classification import multiclass_calibration_error  # takes seconds

    logits, labels = answers
    probabilities = softmax(logits)
    found = reliability.describe(probabilities, labels, None, "test")
    assert "before" not in found
    bins = found["after"]["bins"]
    assert len(bins) == reliability.BINS
    assert sum(each["n"] for each in bins) == found["n"] == 1000
    for number, each in enumerate(bins):
        assert (each["confidence"] is None) == (each["n"] == 0)
        if each["n"]:
            assert number / 10 <= each["confidence"] <= (number + 1) / 10
    right = sum(each["n"] * each["accuracy"] for each in bins if each["n"])
    assert right == pytest.approx((probabilities.argmax(axis=1) == labels).sum(), abs=1e-2)
    theirs = multiclass_calibration_error(
        from_numpy(probabilities), from_numpy(labels), num_classes=4, n_bins=reliability.BINS
    )
    assert found["after"]["ece"] == pytest.approx(float(theirs), abs=1e-5)


def test_the_temperature_is_taken_out_again(answers) -> None:
    logits, labels = answers
    found = reliability.describe(softmax(logits / 0.5), labels, 0.5, "test")
    alone = reliability.describe(softmax(logits), labels, None, "test")
    assert found["before"] == alone["after"]
    assert found["before"]["ece"] == pytest.approx(
        expected_calibration_error(logits, labels, reliability.BINS), abs=1e-5
    )
    assert found["after"] != found["before"]


def test_an_answer_that_is_all_sure_falls_into_the_last_bin() -> None:
    found = reliability.describe(np.array([[1.0, 0.0]]), np.array([0]), 0.5, "test")
    assert found["after"]["bins"][-1] == {"n": 1, "confidence": 1.0, "accuracy": 1.0}
    assert found["before"]["bins"][-1]["n"] == 1
