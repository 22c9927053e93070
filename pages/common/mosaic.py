"""Activations as pictures: all maps of a layer side by side in one PNG."""

from __future__ import annotations

import math

import numpy as np

from pages.common import picture

# From negative through zero to positive. Zero is nearly black, so that an answer stands out.
_STOPS = np.array([-1, -0.5, 0, 0.35, 0.7, 1.0])
_COLOURS = np.array(
    [(255, 214, 150), (196, 120, 44), (22, 22, 29), (72, 68, 170), (143, 140, 242), (246, 245, 255)]
)
_GAP_COLOUR = (42, 42, 52)
WIDTH = 480  # pixels of a mosaic, about


def colour(values: np.ndarray, limit: float) -> np.ndarray:
    """Colour numbers: zero dark, positive violet to white, negative amber.

    Args:
        values: float array of any shape (…).
        limit: The magnitude that gets the brightest colour.

    Returns:
        uint8 array (…, 3).
    """
    scaled = np.clip(values / (limit or 1.0), -1, 1)
    channels = [np.interp(scaled, _STOPS, _COLOURS[:, c]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.uint8)


def columns(count: int) -> int:
    """Return how many of ``count`` maps stand side by side: as square as whole rows allow.

    >>> [columns(n) for n in (1, 10, 16, 32, 64, 128)]
    [1, 10, 4, 8, 8, 16]
    """
    root = math.isqrt(count)
    for wide in range(root, 2 * root + 1):
        if wide * wide >= count and count % wide == 0:
            return wide
    return count if count <= 12 else math.ceil(math.sqrt(count))


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
    wide = columns(count)
    high = math.ceil(count / wide)
    gap = 4 if wide <= 8 else 3
    zoom = max(1, round((WIDTH - gap * (wide - 1)) / (wide * width)))
    limit = float(np.quantile(np.abs(cells), 0.998)) or 1.0
    tiles = colour(cells, limit).repeat(zoom, axis=1).repeat(zoom, axis=2)
    tile_height, tile_width = height * zoom, width * zoom
    sheet = np.empty(
        (high * (tile_height + gap) - gap, wide * (tile_width + gap) - gap, 3), np.uint8
    )
    sheet[:] = _GAP_COLOUR
    for index, tile in enumerate(tiles):
        top, left = (index // wide) * (tile_height + gap), (index % wide) * (tile_width + gap)
        sheet[top : top + tile_height, left : left + tile_width] = tile
    return picture.png(sheet)
