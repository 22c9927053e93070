"""What the component that shows a grid of cells is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pages.images import encoding
from pages.images.mosaic import Mosaic


def sheet(
    title: str,
    image: bytes,
    grid: Mosaic,
    chosen: int | None,
    *,
    labels: Sequence[str] | None = None,
    caption: bool = False,
    widest: str | None = None,
    hears: bool = False,
) -> dict[str, Any]:
    """Return an image and its cells as JSON.

    Args:
        title: What it shows and what choosing does, for a screen reader: one sentence.
        image: A PNG file.
        grid: How its cells lie.
        chosen: The chosen cell, counted row by row, or None.
        labels: What each cell is, for the tooltip; None: its row and column.
        caption: Whether the chosen cell's label stands below the image.
        widest: The largest width, in CSS units; None for the column's.
        hears: Whether it shows what the page's `diagram` has asked for beside the run.
    """
    address = encoding.data_url(image)
    return {
        "title": title,
        "image": address,
        "chosen": chosen,
        "labels": list(labels) if labels is not None else None,
        "caption": caption,
        "widest": widest,
        "hears": hears,
        "token": f"{hash(address)}-{chosen}",  # tests wait for it
    } | vars(grid)
