"""Temperature scaling, on made-up answers whose right temperature is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from training.engine.temperature_scaling import (
    calibrate,
    expected_calibration_error,
    fit_temperature,
)


@pytest.fixture
def honest() -> tuple[NDArray, NDArray]:
    """Return logits and labels drawn from exactly the probabilities that the logits claim."""
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((20_000, 5)) * 2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (p.cumsum(axis=1) > rng.random((len(p), 1))).argmax(axis=1)
    return logits, labels


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_finds_the_factor_that_spoilt_the_logits(
    honest: tuple[NDArray, NDArray], factor: float
) -> None:
    logits, labels = honest
    assert fit_temperature(logits * factor, labels) == pytest.approx(factor, rel=0.03)


def test_calibration_makes_confidence_honest(honest: tuple[NDArray, NDArray]) -> None:
    logits, labels = honest
    result = calibrate(logits * 3, labels)
    assert result["ece_before"] > 0.1
    assert result["ece_after"] < 0.02
    assert result["n"] == len(labels)


def test_calibration_error_agrees_with_torchmetrics(honest: tuple[NDArray, NDArray]) -> None:
    from torchmetrics.functional.classification import multiclass_calibration_error  # takes seconds

    logits, labels = honest
    p = torch.softmax(torch.from_numpy(logits * 2).float(), dim=1)
    expected = multiclass_calibration_error(p, torch.from_numpy(labels), num_classes=5, n_bins=15)
    ours = expected_calibration_error(logits * 2, labels)
    assert ours == pytest.approx(expected.item(), abs=1e-4)
