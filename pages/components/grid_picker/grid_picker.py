"""An image that is a grid of cells, of which the visitor chooses one: maps, or pixels of a map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pages.components.register import component

_mount = component("grid_picker", shared=("ask_first",))


def show(key: str, sheet: Mapping[str, Any], on_pick: Callable[[], None]) -> None:
    """Show the image.

    Args:
        key: Streamlit's key.
        sheet: From `cell_sheet.sheet`.
        on_pick: Called when somebody chooses; ask :func:`picked` there.
    """
    _mount(key=key, data=sheet, on_picked_change=on_pick)


def picked(key: str, count: int) -> int | None:
    """Return the cell that was just chosen, inside ``on_pick``, or None if it makes no sense.

    Args:
        key: The image's key.
        count: How many cells there are.
    """
    state = st.session_state.get(key)
    value = state.get("picked") if isinstance(state, Mapping) else None
    return value if type(value) is int and 0 <= value < count else None
