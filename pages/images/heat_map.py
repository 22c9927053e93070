"""A map over an image: the image in gray, the map in colour on top."""

from __future__ import annotations

import numpy as np
from PIL import Image

from pages.images import encoding

_RAISES = np.array([143, 140, 242], np.float32)  # violet: this part speaks for the answer
_LOWERS = np.array([232, 150, 62], np.float32)  # amber: this part speaks against it
_DIMMED = 0.45  # the image's brightness: both colours are lighter than any gray that is left

# CSS colours from "speaks against" to "speaks for", for the bar that explains them.
COLOURS = ("rgb(232 150 62)", "rgb(58 58 62)", "rgb(143 140 242)")


def png(view: np.ndarray, drop: np.ndarray, scale: int = 1, least: float = 0.02) -> bytes:
    """Draw where covering an image changes the answer.

    Args:
        view: uint8 array (H, W), light on dark, or (H, W, 3).
        drop: float array (H, W): how far the probability falls when the place is covered.
        scale: Enlargement, with hard edges.
        least: A value this small is drawn faintly even where it is the largest.

    Returns:
        A PNG file. Violet: the probability falls; amber: it rises. The strongest place is opaque.
    """
    luminance = np.asarray(Image.fromarray(view).convert("L"), np.float32)
    gray = luminance[..., None].repeat(3, axis=2) * _DIMMED
    strength = np.clip(np.abs(drop) / max(float(np.abs(drop).max()), least), 0, 1)[..., None]
    tint = np.where(drop[..., None] >= 0, _RAISES, _LOWERS)
    mixed = gray * (1 - 0.85 * strength) + tint * 0.85 * strength
    return encoding.png(mixed.astype(np.uint8), scale)
