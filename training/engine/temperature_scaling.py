"""Make a classifier's confidence mean what it says: temperature scaling.

A network's answer of 90 % should be right nine times out of ten. Label smoothing makes it too
modest, over-fitting too bold. Dividing all logits by one number, the temperature, puts that right
and changes no answer (Guo et al. 2017, "On calibration of modern neural networks", section 4.2).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.functions import softmax
from zoo.networks.numpy_cnn import softmax_cross_entropy

BINS = 15


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Return the temperature T > 0 that minimizes the cross-entropy of softmax(logits / T).

    Args:
        logits: (N, K), of images that the network was not trained on.
        labels: (N,), integers in [0, K).
    """
    from scipy.optimize import minimize_scalar

    z = logits.astype(np.float64)
    found = minimize_scalar(
        lambda log_t: softmax_cross_entropy(z / np.exp(log_t), labels)[0],
        bounds=(-4, 4),
        method="bounded",
    )
    return float(np.exp(found.x))


def expected_calibration_error(
    logits: NDArray[np.floating], labels: NDArray[np.integer], bins: int = BINS
) -> float:
    """Return the ECE: the mean gap between confidence and accuracy (Guo et al. 2017, eq. 3).

    ECE = Σ_b (n_b / N) · |accuracy(b) − confidence(b)|, over bins of equal width in [0, 1] that
    the answers fall into by their confidence. From 0, perfect, to 1.
    """
    p = softmax(logits.astype(np.float64))
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_of, right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def calibrate(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> dict[str, Any]:
    """Return what a record says of the calibration: T, and the ECE before and after, and n."""
    temperature = fit_temperature(logits, labels)
    return {
        "temperature": temperature,
        "ece_before": expected_calibration_error(logits, labels),
        "ece_after": expected_calibration_error(logits / temperature, labels),
        "split": "validation",
        "n": len(labels),
    }
