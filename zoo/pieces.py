"""The pieces of a mask: which one is the largest, and the answer without the others.

A street shows more cars than the one in front, and a network sees a bit of car where there is none.
Whoever wants one object keeps the largest piece.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Probabilities = NDArray[np.float32]
Mask = NDArray[np.bool_]


def count(probabilities: Probabilities, threshold: float) -> int:
    """Return how many pieces a mask has; pixels that touch at a corner belong together.

    Args:
        probabilities: float (H, W) in [0, 1].
        threshold: Pixels of at least this probability are the mask.
    """
    return _label(probabilities >= threshold)[1]


def others(probabilities: Probabilities, threshold: float) -> Mask:
    """Return where another piece than the largest is the nearest: bool (H, W).

    What lies around a piece, below the threshold, goes with it, so that the answer without the
    other pieces still holds at another threshold.

    Args:
        probabilities: float (H, W) in [0, 1].
        threshold: Pixels of at least this probability are the mask.
    """
    from scipy.ndimage import distance_transform_edt

    labels, number = _label(probabilities >= threshold)
    if number < 2:
        return np.zeros(labels.shape, np.bool_)
    largest = int(np.bincount(labels.ravel())[1:].argmax()) + 1
    rows, columns = distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    return np.asarray(labels[rows, columns] != largest)


def without(probabilities: Probabilities, where: Mask) -> Probabilities:
    """Return a copy that is 0 in a part of the picture.

    Args:
        probabilities: float32 (H, W).
        where: bool (h, w), of the same picture in any size.
    """
    height, width = probabilities.shape
    if where.shape != probabilities.shape:
        gray = Image.fromarray(where.astype(np.uint8))
        where = np.asarray(gray.resize((width, height), Image.Resampling.NEAREST)) > 0
    return np.where(where, np.float32(0), probabilities)


def _label(mask: Mask) -> tuple[NDArray[np.int32], int]:
    from scipy.ndimage import label

    labels, number = label(mask, structure=np.ones((3, 3)))
    return labels, int(number)
