"""An image that is a grid of cells, of which the visitor chooses one: maps, or pixels of a map."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from pages.components.register import component
from pages.images import encoding
from pages.images.mosaic import Mosaic

_mount = component("grid_picker")


def show(
    key: str,
    title: str,
    image: bytes,
    grid: Mosaic,
    chosen: int | None,
    on_pick: Callable[[], None],
    *,
    labels: Sequence[str] | None = None,
    caption: bool = False,
    widest: str | None = None,
) -> None:
    """Show the image.

    Args:
        key: Streamlit's key.
        title: What it shows and what choosing does, for a screen reader: one sentence.
        image: A PNG file.
        grid: How its cells lie.
        chosen: The chosen cell, counted row by row, or None.
        on_pick: Called when somebody chooses; ask :func:`picked` there.
        labels: What each cell is, for the tooltip; None: its row and column.
        caption: Whether the chosen cell's label stands below the image.
        widest: The largest width, in CSS units; None for the column's.
    """
    address = encoding.data_url(image)
    data = {
        "title": title,
        "image": address,
        "chosen": chosen,
        "labels": list(labels) if labels is not None else None,
        "caption": caption,
        "widest": widest,
        "token": f"{hash(address)}-{chosen}",  # tests wait for it
    } | vars(grid)
    _mount(key=key, data=data, on_picked_change=on_pick)


def picked(key: str, count: int) -> int | None:
    """Return the cell that was just chosen, inside ``on_pick``, or None if it makes no sense.

    Args:
        key: The image's key.
        count: How many cells there are.
    """
    state = st.session_state.get(key)
    value = state.get("picked") if isinstance(state, Mapping) else None
    return value if type(value) is int and 0 <= value < count else None
