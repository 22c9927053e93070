"""A map over an image: the image in gray, the map in colour on top."""

from __future__ import annotations

import numpy as np
from PIL import Image

from pages.common import number_format
from pages.images import colour_bar, encoding

_RAISES = np.array([143, 140, 242], np.float32)  # violet: this part speaks for the answer
_LOWERS = np.array([232, 150, 62], np.float32)  # amber: this part speaks against it
_NEITHER = np.array([58, 58, 62], np.float32)
_FAINT = 0.02  # probability: a map without more than this is drawn faintly
_STOPS = 9  # colours of the bar
_DIMMED = 0.45  # the image's brightness: both colours are lighter than any gray that is left

# CSS colours from "speaks against" to "speaks for", for the bar that explains them.
COLOURS = ("rgb(232 150 62)", "rgb(58 58 62)", "rgb(143 140 242)")


def png(view: np.ndarray, drop: np.ndarray, scale: int = 1, least: float = _FAINT) -> bytes:
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


def bar(drop: np.ndarray, what: str = "") -> str:
    """Return the bar that explains the colours, from the largest rise to the largest fall.

    Args:
        drop: As for :func:`png`.
        what: Whose map it is, to stand in front.

    Returns:
        HTML for ``st.html``.
    """
    rise, fall = max(0.0, float(-drop.min())), max(0.0, float(drop.max()))
    most = max(rise, fall, _FAINT)
    places = np.linspace(-rise / most, fall / most, _STOPS)
    colours = tuple(_css(_colour(float(place))) for place in places)
    return colour_bar.bar(f"{what} {_signed('+', rise)}".strip(), _signed("−", fall), colours)


def bar_of_strength(what: str) -> str:
    """Return the bar for a map of which only the places count, from nothing to its strongest.

    Args:
        what: Whose map it is, to stand in front.
    """
    return colour_bar.bar(f"{what} 0", "strongest", COLOURS[1:])


def _signed(sign: str, change: float) -> str:
    """Write a change of the probability: "+1.2 points", or "0" for what would be "+0.0"."""
    return f"{sign}{number_format.points(change)}" if change >= 0.0005 else "0"


def _colour(place: float) -> np.ndarray:
    """Return the colour of a place between −1, against the answer, and 1, for it."""
    tint = _RAISES if place >= 0 else _LOWERS
    return _NEITHER + (tint - _NEITHER) * abs(place)


def _css(colour: np.ndarray) -> str:
    return f"rgb({' '.join(str(round(float(part))) for part in colour)})"
