"""A model's headline: its metric, large, over the curve of its training."""

from __future__ import annotations

from collections.abc import Sequence

from pages.common.component import component

_mount = component("headline")


def show(key: str, name: str, value: str, values: Sequence[float], caption: str) -> None:
    """Draw the headline.

    Args:
        key: Streamlit's key.
        name: What is measured, and on how many examples.
        value: The number as text.
        values: How it developed, one value an epoch.
        caption: What the curve shows.
    """
    data = {"name": name, "value": value, "values": list(values), "caption": caption}
    _mount(key=key, data=data)
