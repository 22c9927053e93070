"""What is measured around a gradient step, as a small drawing."""

from __future__ import annotations

from typing import Literal

from pages.components.register import component

_mount = component("gradient_arrows", shared=("legible",))


def show(key: str, kind: Literal["shift", "smooth"]) -> None:
    """Draw it.

    Args:
        key: Streamlit's key.
        kind: ``"shift"``: a layer's gradient before and after the layers in front of it have
            stepped; ``"smooth"``: the gradient here and further along its own direction.
    """
    _mount(key=key, data={"kind": kind})
