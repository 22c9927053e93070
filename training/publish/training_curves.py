"""A training run as an image: loss and metric over the epochs, for the model card."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from training.engine.failures import TrainingError
from zoo import records

_COLOURS = {"train": "#a3a3b0", "validation": "#5b5bd6"}


def draw_curves(record: Mapping[str, Any]) -> bytes:
    """Return a PNG of a record's history: the loss on the left, the metric on the right.

    Args:
        record: the parsed ``record.json``.

    Raises:
        TrainingError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # without pyplot: no window, no global state
    except ImportError:
        raise TrainingError(
            "The training curves need matplotlib: pip install matplotlib."
        ) from None

    metric, _, _ = records.headline(record)
    figure = Figure(figsize=(9, 3.2), layout="constrained", dpi=110)
    for axes, key in zip(figure.subplots(1, 2), ("loss", metric), strict=True):
        for part, colour in _COLOURS.items():
            if points := records.curve(record, part, key):
                axes.plot(*zip(*points, strict=True), color=colour, label=part, linewidth=1.6)
        axes.set_xlabel("epoch")
        axes.set_title(key, loc="left", fontsize=11)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.lines:
            axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})  # the same bytes every time
    return buffer.getvalue()
