"""A model's headline: its metric, large, over the curve of its training."""

from __future__ import annotations

from collections.abc import Sequence

from pages.components.register import component

_mount = component("headline")


def show(
    key: str,
    name: str,
    value: str,
    values: Sequence[float],
    caption: str,
    ends: tuple[str, str] = ("", ""),
    against: Sequence[float] = (),
) -> None:
    """Draw the headline.

    Args:
        key: Streamlit's key.
        name: What is measured, and on how many examples.
        value: The number as text.
        values: How it developed, one value an epoch.
        caption: What the curve shows.
        ends: Its first and its last value as text, which stand below its ends.
        against: Another development, as many values on the same scale, drawn in gray.
    """
    words = {"name": name, "value": value, "caption": caption}
    data = words | {"ends": ends, "values": list(values), "against": list(against)}
    _mount(key=key, data=data)
