"""What a classifier gets wrong: which classes it confuses, and its most confident errors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNT = 24  # errors to keep: few, since the images are other people's
EXAMPLES = 112  # errors to keep for the cells of the confusion matrix, for the same reason


def describe(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], count: int = COUNT
) -> dict[str, Any]:
    """Return what a record says of a classifier's answers.

    Args:
        probabilities: (N, K), of the test images in their order.
        labels: (N,), the true classes, integers in [0, K).
        count: how many of the boldest errors to keep.

    Returns:
        ``"confusion"``: K lists of K counts; row: the true class, column: the answer.
        ``"confident_errors"``: the most confident wrong answers, boldest first, each with the
        image's ``"index"`` in the test set, ``"true"`` and ``"predicted"`` class, and the
        ``"probability"`` of the latter.
        ``"error_examples"``: the same of errors from every cell of the matrix, see `_examples`.
    """
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    confusion = np.bincount(classes * labels + predicted, minlength=classes**2)
    wrong = np.flatnonzero(predicted != labels)
    boldest = wrong[np.argsort(-confidence[wrong], kind="stable")]

    def told(i: int) -> dict[str, Any]:
        return {
            "index": int(i),
            "true": int(labels[i]),
            "predicted": int(predicted[i]),
            "probability": round(float(confidence[i]), 6),
        }

    return {
        "confusion": confusion.reshape(classes, classes).tolist(),
        "confident_errors": [told(i) for i in boldest[:count]],
        "error_examples": [told(i) for i in _examples(boldest, labels, predicted)],
    }


def _examples(
    boldest: NDArray[np.integer], labels: NDArray[np.integer], predicted: NDArray[np.integer]
) -> list[int]:
    """Choose errors that show what each cell of the confusion matrix is about.

    The most confident one of each cell, then the second of each, and so on; cells with more errors
    come first, and after `EXAMPLES` it ends.
    """
    cells: dict[tuple[int, int], list[int]] = {}
    for i in boldest.tolist():
        cells.setdefault((int(labels[i]), int(predicted[i])), []).append(i)
    frequent = sorted(cells.values(), key=len, reverse=True)
    rounds = range(max(map(len, frequent), default=0))
    found = [cell[which] for which in rounds for cell in frequent if which < len(cell)]
    return found[:EXAMPLES]
