"""A strip of small images to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from pages.components.register import component

_mount = component("thumbnails", shared=("ask_first",))


@dataclass(frozen=True)
class Item:
    """One image to choose.

    Attributes:
        id: What :func:`picked` returns.
        image: Address of the image.
        description: What a screen reader and the tooltip say.
        note: A few characters below the image.
    """

    id: str
    image: str
    description: str
    note: str = ""


def show(
    key: str,
    groups: dict[str, list[Item]],
    selected: str | None,
    on_pick: Callable[[], None],
    wide: bool = False,
    beside: bool = False,
    row: bool = False,
    ask: str | None = None,
) -> None:
    """Show the strip.

    Args:
        key: Streamlit's key.
        groups: Images by heading.
        selected: Id of the image that is in use, or None.
        on_pick: Called when somebody chooses; ask :func:`picked` there.
        wide: The images are photos, shown larger and in landscape format, rather than squares.
        beside: Put the groups beside each other where there is room.
        row: On a phone, too, the images stand in one row, which scrolls.
        ask: Address, to which an id is added, of what the page's answer and its picture
            (`class_answer`, `drawing_pad`, `crop`) shall show before a run has brought the same.
    """
    data = {
        "selected": selected,
        "beside": beside,
        "wide": wide,
        "row": row,
        "ask": ask,
        "groups": [
            {"title": title, "items": [vars(item) for item in items]}
            for title, items in groups.items()
            if items
        ],
    }
    _mount(key=key, data=data, on_picked_change=on_pick)


def picked(key: str) -> str | None:
    """Return the id that was just chosen, inside ``on_pick``.

    Args:
        key: The strip's key.
    """
    state = st.session_state.get(key)
    value = state.get("picked") if isinstance(state, Mapping) else None
    return value if isinstance(value, str) else None
