"""Activations as pictures: all maps of a layer side by side in one PNG."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from pages.common import picture

WIDTH = 448  # pixels of a mosaic, about
_ZERO, _GAP = 127, 255  # palette entries of the number zero, and of the lines between maps


def _palette() -> list[int]:
    """Return 256 colours: 0 … 254 for −1 … 1, and the gap's.

    Zero is nearly black, so that an answer stands out; positive is violet to white, negative amber.
    """
    stops = [-1, -0.5, 0, 0.35, 0.7, 1]
    colours = np.array(
        [
            (255, 214, 150),
            (196, 120, 44),
            (22, 22, 29),
            (72, 68, 170),
            (143, 140, 242),
            (246, 245, 255),
        ]
    )
    values = np.arange(-_ZERO, _ZERO + 1) / _ZERO
    channels = [np.interp(values, stops, colours[:, channel]) for channel in range(3)]
    ramp = np.stack(channels, axis=1).astype(int)
    return [*ramp.ravel().tolist(), 42, 42, 52]


_PALETTE = _palette()


def columns(count: int) -> int:
    """Return how many of ``count`` maps stand side by side: as square as whole rows allow.

    >>> [columns(n) for n in (1, 10, 16, 32, 64, 128)]
    [1, 5, 4, 8, 8, 16]
    """
    root = math.isqrt(count)
    for wide in range(root, 2 * root + 1):
        if wide * wide >= count and count % wide == 0:
            return wide
    return math.ceil(math.sqrt(count))


def png(maps: np.ndarray) -> bytes:
    """Draw the maps of one layer.

    Args:
        maps: float array (C, H, W), or (F,) for features, each drawn as one cell. All share one
            scale, so that a dim map is one that answers less.

    Returns:
        A PNG file.
    """
    cells = maps if maps.ndim == 3 else maps.reshape(-1, 1, 1)
    count, height, width = cells.shape
    limit = float(np.quantile(np.abs(cells), 0.998)) or 1.0
    shades = (np.clip(cells / limit, -1, 1) * _ZERO + _ZERO).round().astype(np.uint8)

    wide = columns(count)
    high = math.ceil(count / wide)
    gap = 4 if wide <= 8 else 3
    zoom = max(1, round((WIDTH - gap * (wide - 1)) / (wide * width)))
    down, across = height * zoom + gap, width * zoom + gap
    sheet = np.full((high * down, wide * across), _GAP, np.uint8)
    for index, tile in enumerate(shades.repeat(zoom, axis=1).repeat(zoom, axis=2)):
        top, left = (index // wide) * down, (index % wide) * across
        sheet[top : top + height * zoom, left : left + width * zoom] = tile
    image = Image.fromarray(sheet[: high * down - gap, : wide * across - gap]).convert("P")
    image.putpalette(_PALETTE)  # a third of the bytes of RGB
    return picture.png(image)
