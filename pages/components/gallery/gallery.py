"""Captioned images in a grid that keeps still while the images change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.components.register import component

_mount = component("gallery")


@dataclass(frozen=True)
class GalleryImage:
    """One image of the grid.

    Attributes:
        title: Caption, left.
        detail: Caption, right and quiet.
        image: Address of the image, best a square one.
        alt: What it shows, for those who cannot see it.
        shape: Its width divided by its height, which its place has before it has come; None: the
            place is as high as the image once it is there.
    """

    title: str
    detail: str
    image: str
    alt: str
    shape: float | None = None


def show(
    key: str,
    images: Sequence[GalleryImage],
    columns: int,
    few: int = 2,
    stacked: bool = False,
    on_open: Callable[[], None] | None = None,
    opens: str = "",
    target: str = "",
) -> None:
    """Show the grid.

    Args:
        key: Streamlit's key.
        images: In reading order.
        columns: Images in a row.
        few: Images in a row on a phone.
        stacked: Put the caption's two parts below each other.
        on_open: Called when somebody clicks an image; ask :func:`opened` there. None: there is
            nothing to click.
        opens: What a click does, in a few words.
        target: Key of the element that a click scrolls to.
    """
    items = [vars(image) for image in images]
    data = {"items": items, "columns": columns, "few": few, "stacked": stacked}
    if on_open is None:
        _mount(key=key, data=data)
    else:
        _mount(key=key, data=data | {"open": opens, "target": target}, on_opened_change=on_open)


def opened(key: str, count: int) -> int | None:
    """Return which image was just clicked, inside ``on_open``, or None if it makes no sense.

    Args:
        key: The grid's key.
        count: How many images there are.
    """
    state = st.session_state.get(key)
    value = state.get("opened") if isinstance(state, Mapping) else None
    return value if type(value) is int and 0 <= value < count else None
