"""A map of a mask's errors: the photo in gray, what was missed and what was too much in colour."""

from __future__ import annotations

import numpy as np
from PIL import Image

from zoo.segmentation import masks

MISSED, FALSE_ALARM = "#e8963e", "#e0485f"  # amber, red
_TINTS = {
    masks.HIT: ((143, 140, 242), 0.35),
    masks.MISSED: ((232, 150, 62), 0.95),
    masks.FALSE_ALARM: ((224, 72, 95), 0.95),
}


def draw(photo: Image.Image, predicted: np.ndarray, true: np.ndarray) -> Image.Image:
    """Draw where two masks differ.

    Args:
        photo: RGB, of any size.
        predicted: bool (H, W).
        true: bool (H, W).

    Returns:
        RGB, of the photo's size: violet where both masks are, amber where the true one is alone,
        red where the predicted one is alone.
    """
    codes = Image.fromarray(masks.error_map(predicted, true))
    if codes.size != photo.size:
        codes = codes.resize(photo.size, Image.Resampling.NEAREST)
    found = np.asarray(codes)
    pixels = np.asarray(photo.convert("L"), np.float32)[..., None].repeat(3, axis=2) * 0.6
    for code, (tint, strength) in _TINTS.items():
        here = found == code
        pixels[here] += strength * (np.array(tint, np.float32) - pixels[here])
    return Image.fromarray(pixels.astype(np.uint8))
