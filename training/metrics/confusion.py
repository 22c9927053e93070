"""What a classifier gets wrong: which classes it confuses, and its most confident errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNT = 24  # mistakes to keep: few, since the images are other people's


def describe(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], count: int = COUNT
) -> dict[str, Any]:
    """Return what a record says of a classifier's answers.

    Args:
        probabilities: (N, K), of the test images in their order.
        labels: (N,), the true classes, integers in [0, K).
        count: how many mistakes to keep.

    Returns:
        ``"confusion"``: K lists of K counts; row: the true class, column: the answer.
        ``"mistakes"``: the most confident wrong answers, boldest first, each with the image's
        ``"index"`` in the test set, ``"true"`` and ``"predicted"`` class, and the ``"probability"``
        of the latter.
    """
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    confusion = np.bincount(classes * labels + predicted, minlength=classes**2)
    wrong = np.flatnonzero(predicted != labels)
    boldest = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
    return {
        "confusion": confusion.reshape(classes, classes).tolist(),
        "confident_errors": [
            {
                "index": int(i),
                "true": int(labels[i]),
                "predicted": int(predicted[i]),
                "probability": round(float(confidence[i]), 6),
            }
            for i in boldest
        ],
    }
