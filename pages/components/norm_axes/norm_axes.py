"""What four norms take mean and variance over, as a drawing (after Wu & He 2018, figure 2)."""

from __future__ import annotations

from pages.components.register import component

_mount = component("norm_axes", shared=("legible",))


def show(key: str) -> None:
    """Draw one block of numbers for each norm; what shares a mean is coloured.

    Args:
        key: Streamlit's key.
    """
    _mount(key=key, data={})
