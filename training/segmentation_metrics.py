"""How well a mask fits the true one: IoU, Dice, Boundary IoU; and the threshold that fits best.

Masks are boolean arrays (H, W); every metric is a fraction in [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

THRESHOLDS = np.arange(5, 100, 5) / 100  # among which the validation pictures choose


def iou(predicted: Mask, true: Mask) -> float:
    """Return the Jaccard index |P ∩ T| / |P ∪ T|; 1 if both are empty."""
    union = np.count_nonzero(predicted | true)
    return float(np.count_nonzero(predicted & true) / union) if union else 1.0


def dice(predicted: Mask, true: Mask) -> float:
    """Return the Dice coefficient 2 |P ∩ T| / (|P| + |T|); 1 if both are empty."""
    total = np.count_nonzero(predicted) + np.count_nonzero(true)
    return float(2 * np.count_nonzero(predicted & true) / total) if total else 1.0


def boundary_iou(predicted: Mask, true: Mask, width: float = 0.02) -> float:
    """Return the IoU of the two masks' boundaries (Cheng et al. 2021, arXiv 2103.16562, eq. 3).

    A mask's boundary is what lies in it within a distance d of its contour. Where IoU is ruled by
    the inside of a large object, this one sees its edge alone.

    Args:
        predicted: bool (H, W).
        true: bool (H, W).
        width: d as a fraction of the picture's diagonal; 2 % is the paper's value.
    """
    distance = max(1, round(width * float(np.hypot(*true.shape))))
    return iou(boundary(predicted, distance), boundary(true, distance))


def boundary(mask: Mask, distance: int) -> Mask:
    """Return the part of a mask within ``distance`` pixels (chessboard) of its outside.

    As in the authors' code, the picture's border counts as outside.
    """
    from scipy.ndimage import minimum_filter

    inner = minimum_filter(mask.astype(np.uint8), size=2 * distance + 1, mode="constant", cval=0)
    return mask & ~inner.astype(bool)


def measure(pairs: Iterable[tuple[str, Mask, Mask]]) -> dict[str, Any]:
    """Return the metrics of a data set, each the mean over its pictures, and the worst picture.

    Args:
        pairs: (name, predicted, true) for every picture.

    Returns:
        ``iou``, ``dice``, ``boundary_iou``, ``worst`` (the lowest IoU), ``worst_picture`` (its
        name) and ``pictures``, the IoU of each.

    Raises:
        ValueError: if there are no pictures.
    """
    rows = {
        name: (iou(predicted, true), dice(predicted, true), boundary_iou(predicted, true))
        for name, predicted, true in pairs
    }
    if not rows:
        raise ValueError("There are no pictures to measure.")
    means = np.mean(list(rows.values()), axis=0)
    worst = min(rows, key=lambda name: rows[name][0])
    metrics: dict[str, Any] = dict(
        zip(("iou", "dice", "boundary_iou"), means.tolist(), strict=True)
    )
    return metrics | {
        "worst": rows[worst][0],
        "worst_picture": worst,
        "pictures": {name: row[0] for name, row in rows.items()},
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
