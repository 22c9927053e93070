"""Activations as images: all maps of a layer side by side in one PNG."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pages.images import colour_bar, encoding

WIDTH = 448  # pixels of a mosaic, about
_ZERO, _GAP = 127, 255  # palette entries of the number zero, and of the lines between maps


@dataclass(frozen=True)
class Mosaic:
    """How the cells of an image lie.

    Attributes:
        rows, columns: Of cells.
        count: Cells that hold something; the last row may be shorter.
        gap: Width of the line between two cells, as a share of a cell's width.
        aspect: A cell's width divided by its height.
    """

    rows: int
    columns: int
    count: int
    gap: float = 0.0
    aspect: float = 1.0


# Zero is nearly black, so that an answer stands out; positive is violet to white, negative amber.
_STOPS = (-1, -0.5, 0, 0.35, 0.7, 1)
_COLOURS = (
    (255, 214, 150),
    (196, 120, 44),
    (22, 22, 29),
    (72, 68, 170),
    (143, 140, 242),
    (246, 245, 255),
)


def ramp(low: float = -1, steps: int = 21) -> tuple[str, ...]:
    """Return the colours from ``low`` (−1 or 0) to 1 as CSS, for the bar that explains them."""
    values = np.linspace(low, 1, steps)
    channels = [np.interp(values, _STOPS, part) for part in zip(*_COLOURS, strict=True)]
    return tuple(f"rgb({r:.0f} {g:.0f} {b:.0f})" for r, g, b in zip(*channels, strict=True))


def words(negative: bool) -> str:
    """Return the bar for sheets that have a scale each, as HTML for ``st.html``.

    Args:
        negative: Whether there are values below zero.
    """
    ends = ("below zero", "strongest") if negative else ("0", "strongest")
    return colour_bar.bar(*ends, ramp(-1 if negative else 0))


def _palette() -> list[int]:
    """Return 256 colours: 0 … 254 for −1 … 1, and the gap's."""
    values = np.arange(-_ZERO, _ZERO + 1) / _ZERO
    channels = [np.interp(values, _STOPS, part) for part in zip(*_COLOURS, strict=True)]
    colours = np.stack(channels, axis=1).astype(int)
    return [*colours.ravel().tolist(), 42, 42, 52]


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


def png(maps: np.ndarray, own_scale: bool = False) -> bytes:
    """Draw the maps of one layer.

    Args:
        maps: float array (C, H, W), or (F,) for features, each drawn as one cell.
        own_scale: Whether each map reaches full colour at its own maximum. Otherwise all share one
            scale, so that a dim map is one that answers less.

    Returns:
        A PNG file.
    """
    return sheet(maps, own_scale)[0]


def sheet(maps: np.ndarray, own_scale: bool = False, width: int = WIDTH) -> tuple[bytes, Mosaic]:
    """Draw the maps of one layer, as :func:`png` does, and tell where each of them lies.

    Maps too large for the sheet are averaged down to it.

    Args:
        maps: As for :func:`png`.
        own_scale: As for :func:`png`.
        width: Pixels of the sheet, about.
    """
    cells = maps if maps.ndim == 3 else maps.reshape(-1, 1, 1)
    wide = columns(len(cells))
    gap = 4 if wide <= 8 else 3
    cells = _shrunk(cells, (width - gap * (wide - 1)) / wide)
    count, rows, across = cells.shape
    shades = (np.clip(cells / _limits(cells, own_scale), -1, 1) * _ZERO + _ZERO).round()

    high = math.ceil(count / wide)
    zoom = max(1, round((width - gap * (wide - 1)) / (wide * across)))
    tiles = shades.astype(np.uint8).repeat(zoom, axis=1).repeat(zoom, axis=2)
    down, right = rows * zoom + gap, across * zoom + gap
    pixels = np.full((high * down, wide * right), _GAP, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (index // wide) * down, (index % wide) * right
        pixels[top : top + rows * zoom, left : left + across * zoom] = tile
    image = Image.fromarray(pixels[: high * down - gap, : wide * right - gap]).convert("P")
    image.putpalette(_PALETTE)  # a third of the bytes of RGB
    grid = Mosaic(high, wide, count, gap / (across * zoom), across / rows)
    return encoding.png(image), grid


def _limits(cells: np.ndarray, own_scale: bool) -> np.ndarray | float:
    """Return the value that gets the full colour: of all maps, or (C, 1, 1) of each."""
    if own_scale:
        largest = np.abs(cells).max(axis=(1, 2), keepdims=True)
        return np.where(largest > 0, largest, 1)
    return limit(cells)


def limit(cells: np.ndarray) -> float:
    """Return the absolute value from which on all maps of a sheet have their full colour."""
    return float(np.quantile(np.abs(cells), 0.998)) or 1.0


def _shrunk(cells: np.ndarray, side: float) -> np.ndarray:
    """Return the mean of blocks of the maps, small enough for a tile of that width."""
    factor = math.ceil(cells.shape[2] / max(side, 1)) if cells.shape[2] > 1.5 * side else 1
    rows, across = (length // factor for length in cells.shape[1:])
    if factor == 1 or not rows or not across:
        return cells
    kept = cells[:, : rows * factor, : across * factor]
    return kept.reshape(len(cells), rows, factor, across, factor).mean(axis=(2, 4))
