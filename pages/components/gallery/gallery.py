"""Captioned pictures in a grid that keeps still while the pictures change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pages.components.register import component

_mount = component("gallery")


@dataclass(frozen=True)
class Picture:
    """One picture of the grid.

    Attributes:
        title: Caption, left.
        detail: Caption, right and quiet.
        picture: Address of the picture, best a square one.
        alt: What it shows, for those who cannot see it.
    """

    title: str
    detail: str
    picture: str
    alt: str


def show(
    key: str, pictures: Sequence[Picture], columns: int, few: int = 2, stacked: bool = False
) -> None:
    """Show the grid.

    Args:
        key: Streamlit's key.
        pictures: In reading order.
        columns: Pictures in a row.
        few: Pictures in a row on a phone.
        stacked: Put the caption's two parts below each other.
    """
    items = [vars(picture) for picture in pictures]
    _mount(key=key, data={"items": items, "columns": columns, "few": few, "stacked": stacked})
