"""How well masks fit the true ones over a data set, and the threshold that fits best.

Masks are boolean arrays (H, W); every metric is a fraction in [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.segmentation.masks import Mask, boundary_iou, dice, iou

THRESHOLDS = np.arange(5, 100, 5) / 100  # among which the validation images choose


def measure(pairs: Iterable[tuple[str, Mask, Mask]]) -> dict[str, Any]:
    """Return the metrics of a data set, each the mean over its images, and the worst image.

    Args:
        pairs: (name, predicted, true) for every image.

    Returns:
        ``iou``, ``dice``, ``boundary_iou``, ``worst`` (the lowest IoU), ``worst_image`` (its
        name) and ``images``, the IoU of each.

    Raises:
        ValueError: if there are no images.
    """
    rows = {
        name: (iou(predicted, true), dice(predicted, true), boundary_iou(predicted, true))
        for name, predicted, true in pairs
    }
    if not rows:
        raise ValueError("There are no images to measure.")
    means = np.mean(list(rows.values()), axis=0)
    worst = min(rows, key=lambda name: rows[name][0])
    metrics: dict[str, Any] = dict(
        zip(("iou", "dice", "boundary_iou"), means.tolist(), strict=True)
    )
    return metrics | {
        "worst": rows[worst][0],
        "worst_image": worst,
        "images": {name: row[0] for name, row in rows.items()},
    }


def iou_by_threshold(
    probabilities: NDArray[np.float32], true: Mask, thresholds: NDArray[np.float64] = THRESHOLDS
) -> NDArray[np.float64]:
    """Return the IoU of {p ≥ t} with the true mask for each threshold t, ascending.

    Two histograms answer for all thresholds: how many pixels lie between neighbouring thresholds,
    in the true mask and outside.
    """

    def at_least(values: NDArray[np.float64]) -> NDArray[np.int64]:
        place = np.searchsorted(thresholds, values, side="right")  # thresholds that it reaches
        counts = np.bincount(place, minlength=len(thresholds) + 1)
        return counts[::-1].cumsum()[::-1][1:]

    values = probabilities.astype(np.float64)
    hits, false_alarms = at_least(values[true]), at_least(values[~true])
    union = np.count_nonzero(true) + false_alarms
    return np.where(union > 0, hits / np.maximum(union, 1), 1.0)


def best_threshold(mean_iou: NDArray[np.float64]) -> float:
    """Return the threshold with the highest mean IoU; the middle one of several equally good."""
    best = np.flatnonzero(mean_iou >= mean_iou.max() - 1e-9)
    return float(THRESHOLDS[best[len(best) // 2]])


def fractions(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics that are a single number, for a record or a catalog."""
    return {name: value for name, value in metrics.items() if isinstance(value, float)}
