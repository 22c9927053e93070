"""Whether a classifier's confidence can be believed: accuracy by confidence, in bins.

The reliability diagram of Guo et al. 2017 ("On calibration of modern neural networks", figure 1),
before and after the temperature that the network's last layer was divided by.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.functions import softmax

BINS = 10


def describe(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.integer],
    temperature: float | None,
    split: str,
) -> dict[str, Any]:
    """Return what a record says of the confidence of a classifier's answers.

    Args:
        probabilities: (N, K), as the network that is published answers: after the temperature.
        labels: (N,), the true classes, integers in [0, K).
        temperature: that the logits were divided by; None if they were not.
        split: which images these are, ``"test"`` or ``"validation"``.

    Returns:
        ``"split"``, ``"n"`` and, as ``"after"`` and ``"before"`` (which a network without a
        temperature lacks), ``"ece"``, a fraction, and ``"bins"``, from the least confidence to
        the largest, each with ``"n"``, and its mean ``"confidence"`` and ``"accuracy"``
        (None without answers).
    """
    found: dict[str, Any] = {"split": split, "n": len(labels)}
    if temperature is not None:
        # softmax(z / T) is known; times T its logarithm is z, but for a summand that softmax drops.
        logs = np.log(np.maximum(probabilities.astype(np.float64), np.finfo(np.float32).tiny))
        found["before"] = _binned(softmax(temperature * logs), labels)
    return found | {"after": _binned(probabilities, labels)}


def _binned(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> dict[str, Any]:
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts, confident, correct = (
        np.bincount(bin_of, weights, minlength=BINS) for weights in (None, confidence, right)
    )
    bins = [
        {
            "n": int(n),
            "confidence": round(float(sure) / n, 6) if n else None,
            "accuracy": round(float(hits) / n, 6) if n else None,
        }
        for n, sure, hits in zip(counts.tolist(), confident, correct, strict=True)
    ]
    ece = float(np.abs(correct - confident).sum() / len(labels))
    return {"ece": round(ece, 6), "bins": bins}
