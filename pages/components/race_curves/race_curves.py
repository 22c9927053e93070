"""The curves of a race between two trainings, replayed or growing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pages.components.register import component

_mount = component("race_curves", shared=("legible",))
Points = Sequence[tuple[float, float]]


def show(
    key: str,
    curves: Mapping[str, Points],
    *,
    earlier: Sequence[Mapping[str, Any]] = (),
    steps: int,
    replay: str = "",
    words: str,
) -> None:
    """Draw accuracy by training step, a line a runner.

    Args:
        key: Streamlit's key.
        curves: (step, accuracy in [0, 1]) by runner; the first is drawn in the accent colour.
        earlier: other races, thin: ``name`` and ``curves`` as above.
        steps: where the axis ends.
        replay: what is recorded plays from the start once for each new value; "" draws all.
        words: below the chart, where it stands.
    """
    data = {
        "curves": {name: list(points) for name, points in curves.items()},
        "earlier": [dict(race) for race in earlier],
        "steps": steps,
        "replay": replay,
        "words": words,
    }
    _mount(key=key, data=data)
