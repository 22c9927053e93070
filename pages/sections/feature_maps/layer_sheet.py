"""The sheet of all maps of a layer, made the same way in a page's run and beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import zoo
from pages.common import number_format
from pages.components.grid_picker import cell_sheet
from pages.sections.feature_maps import trace_cache
from zoo.explain import Trace

WIDTH = 720  # pixels


@dataclass(frozen=True)
class LayerSheet:
    """A sheet.

    Attributes:
        order: The layer's channels, as they lie on it.
        channel: The chosen one.
        drawn: What `grid_picker` shows.
    """

    order: list[int]
    channel: int
    drawn: dict[str, Any]


def sheet(
    model: zoo.Model,
    run: Trace,
    layer: str,
    channel: int | None = None,
    strongest_first: bool = False,
    own_scale: bool = False,
) -> LayerSheet:
    """Draw all maps of a layer.

    Args:
        model: A loaded model.
        run: Of its network.
        layer: One of ``run.calls``.
        channel: The chosen one; None, or one that the layer has not: the one to begin with.
        strongest_first: Whether they lie by their means, and not by their numbers.
        own_scale: Whether each has its own scale of colours.
    """
    found = run[layer]
    means = trace_cache.means(found)
    order = trace_cache.order(found, strongest_first)
    if channel is None or channel >= len(found):
        channel = trace_cache.liveliest(found)
    image, grid = trace_cache.sheet(found[order], own_scale, WIDTH)
    names = [f"channel {c}" for c in range(len(found))]
    if layer == run.output and isinstance(model, zoo.Classifier):
        names = [f"channel {c}: {label}" for c, label in enumerate(model.labels)]
    drawn = cell_sheet.sheet(
        f"The {len(found)} maps of {layer}.",
        image,
        grid,
        order.index(channel),
        labels=[f"{names[c]}, mean {number_format.value(float(means[c]))}" for c in order],
        caption=True,
        hears=True,
    )
    return LayerSheet(order, channel, drawn)
