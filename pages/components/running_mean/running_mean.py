"""A running mean that follows the means of batches, as an animation."""

from __future__ import annotations

from collections.abc import Sequence

from pages.components.register import component

_mount = component("running_mean", shared=("legible",))


def show(
    key: str, means: Sequence[float], settled: float, momenta: Sequence[float], chosen: float
) -> None:
    """Let batches come in one after the other; the running mean follows by the chosen momentum.

    Args:
        key: Streamlit's key.
        means: Of the batches, in the order that they come.
        settled: What the trained layer keeps, drawn as a line.
        momenta: To choose from.
        chosen: The one it begins with.
    """
    _mount(
        key=key,
        data={"means": list(means), "settled": settled, "momenta": momenta, "chosen": chosen},
    )
