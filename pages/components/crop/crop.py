"""A photo with a square on it to move and resize: the part that a network gets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components.register import component

MIN_SIDE = 0.2  # share of the photo's shorter side

_mount = component("crop", shared=("ask_first",))


@dataclass(frozen=True)
class Square:
    """Where the square lies.

    Attributes:
        x: 0 at the photo's left edge, 1 at its right: the share of the room left to the square.
        y: The same from top to bottom.
        side: Its side as a share of the photo's shorter side.
    """

    x: float = 0.5
    y: float = 0.5
    side: float = 1.0


def show(
    key: str,
    *,
    token: str,
    image: str | None,
    description: str,
    square: Square,
    on_change: Callable[[], None] = lambda: None,
) -> None:
    """Show the photo. Where the square was put is there for ``moved(key, …)`` in ``on_change``.

    Args:
        key: Streamlit's key.
        token: Whenever it changes, the photo and the square are taken over; while it stays the
            same, the square belongs to the visitor.
        image: Address of the photo; None: there is none.
        description: What the photo shows, for those who cannot see it.
        square: Where the square lies at first.
        on_change: Called when the square was moved or resized.
    """
    data = {"token": token, "image": image, "description": description} | vars(square)
    _mount(key=key, data=data, on_square_change=on_change)


def moved(key: str, token: str) -> Square | None:
    """Return where the square was put, or None if that makes no sense or was on another photo.

    Args:
        key: The component's key.
        token: The photo that is shown now: a message about the one before may come late.
    """
    state = st.session_state.get(key)
    value = state.get("square") if isinstance(state, Mapping) else None
    if not isinstance(value, Mapping) or value.get("token") != token:
        return None
    return parse(value)


def parse(value: Mapping[str, Any]) -> Square | None:
    """Check what a browser claims to be a square; anybody can send anything.

    Args:
        value: Decoded JSON.
    """
    x, y, side = (_share(value.get(name)) for name in ("x", "y", "side"))
    if x is None or y is None or side is None or side < MIN_SIDE:
        return None
    return Square(x, y, side)


def _share(value: Any) -> float | None:
    """Return a number from 0 to 1, or None if the value is none."""
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= 1:
        return None
    return float(value)
