"""Captioned images in a grid that keeps still while the images change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    """

    title: str
    detail: str
    image: str
    alt: str


def show(
    key: str, images: Sequence[GalleryImage], columns: int, few: int = 2, stacked: bool = False
) -> None:
    """Show the grid.

    Args:
        key: Streamlit's key.
        images: In reading order.
        columns: Images in a row.
        few: Images in a row on a phone.
        stacked: Put the caption's two parts below each other.
    """
    items = [vars(image) for image in images]
    _mount(key=key, data={"items": items, "columns": columns, "few": few, "stacked": stacked})
