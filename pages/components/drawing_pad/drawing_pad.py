"""The drawing pad: a square to draw on with mouse, finger, pen or keyboard."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components.register import component

MAX_STROKES = 60
MAX_NUMBERS = 4_002  # coordinates of one stroke
MAX_PNG = 200_000  # characters; a drawing takes 1,000 to 4,000

_PREFIX = "data:image/png;base64,"
_mount = component("drawing_pad", shared=("ask_first",))

Strokes = list[list[int]]


@dataclass(frozen=True)
class Drawing:
    """What somebody drew.

    Attributes:
        strokes: Each a list x0, y0, x1, y1, … in a square of 1000 × 1000.
        png: The bytes of a PNG file of the drawing, light on dark, as the browser sent them.
            Nothing about them is known except that there are not too many.
        image: Whether the pad shows its image again, because a stroke over it was undone.
    """

    strokes: Strokes
    png: bytes
    image: bool = False


def draw(
    key: str,
    *,
    token: str,
    strokes: Strokes | None = None,
    image: str | None = None,
    ink: bool = True,
    on_change: Callable[[], None] = lambda: None,
    ask: str | None = None,
) -> None:
    """Show the pad. What was drawn is there for ``drawing(key)`` inside ``on_change``.

    Args:
        key: Streamlit's key for the pad.
        token: Whenever it changes, the pad takes over ``strokes`` and ``image``; while it stays
            the same, the pad's contents belong to the visitor.
        strokes: A drawing to put on the pad.
        image: Address of an image to show until somebody draws.
        ink: Show the image's light parts in the colour of ink, rather than the image itself.
        on_change: Called after each stroke, undo and clear.
        ask: Address that answers a drawing's PNG with JSON, which the pad hands to the page's
            answer (`class_answer`) before a run has brought the same.
    """
    data = {"token": token, "strokes": strokes, "image": image, "ink": ink, "ask": ask}
    _mount(key=key, data=data, on_drawing_change=on_change)


def drawing(key: str) -> Drawing | None:
    """Return what the pad with this key last sent, or None if that makes no sense.

    Args:
        key: The pad's key.
    """
    state = st.session_state.get(key)
    return parse(state.get("drawing")) if isinstance(state, Mapping) else None


def parse(value: Any) -> Drawing | None:
    """Check what a browser claims to be a drawing; anybody can send anything.

    Args:
        value: Decoded JSON.

    Returns:
        The drawing, or None if the value is no drawing or too large for one.
    """
    if not isinstance(value, dict):
        return None
    strokes, url = value.get("strokes"), value.get("png")
    if not isinstance(strokes, list) or len(strokes) > MAX_STROKES:
        return None
    if not all(_is_stroke(stroke) for stroke in strokes):
        return None
    if not isinstance(url, str) or not url.startswith(_PREFIX) or len(url) > MAX_PNG:
        return None
    try:
        png = base64.b64decode(url[len(_PREFIX) :], validate=True)
    except binascii.Error:
        return None
    return Drawing(strokes, png, value.get("image") is True)


def _is_stroke(stroke: Any) -> bool:
    return (
        isinstance(stroke, list)
        and 2 <= len(stroke) <= MAX_NUMBERS
        and len(stroke) % 2 == 0
        and all(type(value) is int and 0 <= value <= 1000 for value in stroke)
    )
