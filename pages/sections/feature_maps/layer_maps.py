"""A network as a diagram, and all maps of the layer that is open; one of each can be chosen."""

from __future__ import annotations

import numpy as np
import streamlit as st

import zoo
from pages.common import loaded_models, number_format
from pages.components.diagram import diagram
from pages.components.grid_picker import grid_picker
from pages.images import colour_bar, mosaic
from pages.sections.feature_maps import layer_sheet, trace_cache
from pages.sections.feature_maps.looked_at import now, state
from zoo.explain import Trace, TracedLayer


def network(run: Trace, view: np.ndarray, ask: str) -> TracedLayer:
    """Draw the network as a diagram; return the layer that is open.

    Args:
        run: of the network on the image.
        view: uint8 (H, W) or (H, W, 3), the image.
        ask: address of the sheets of this run's maps; how they are drawn is added to it.
    """
    here, found = now(), diagram.blocks(run)
    if here["layer"] not in run.calls:
        first = next(block for block in found if any(layer.parameters for layer in block.layers))
        here |= {"layer": first.main.name, "channel": None, "pixel": None, "chosen": ()}
    with st.container(key="inside-diagram-place"):
        diagram.show(
            "inside-diagram",
            found,
            here["layer"],
            _on_layer,
            trace_cache.over(view, None, None),
            ask=f"{ask}&sort={_switched('sort')}&own={_switched('own')}",
        )
    return run.layer(here["layer"])


def _switched(name: str) -> int:
    return int(bool(st.session_state.get(f"inside-{name}")))


def maps(model: zoo.Model, run: Trace, layer: TracedLayer) -> None:
    """Draw all maps of the layer; one of them is chosen."""
    here, values = now(), run[layer.name]
    with st.container(horizontal=True, gap="medium"):
        sort = st.toggle("Strongest first", key="inside-sort")
        own = st.toggle("Each map on its own scale", key="inside-own")
    sheet = layer_sheet.sheet(model, run, layer.name, here["channel"], sort, own)
    here["channel"] = sheet.channel
    st.session_state["inside-order"] = sheet.order
    grid_picker.show("inside-maps", sheet.drawn, _on_channel)
    colours(values[None, here["channel"]] if own else values)
    st.caption(
        f"{layer.name}: {layer.operation}, {number_format.count(layer.parameters)} parameters."
        f"{' The colours are those of the chosen map.' if own else ''}"
    )


def colours(values: np.ndarray) -> None:
    """Draw the bar that says which value has which colour.

    Args:
        values: (C, H, W) or (F,), as they are drawn; a single map has its own scale.
    """
    most = float(np.abs(values).max()) if len(values) == 1 else mosaic.limit(values)
    low = -1 if values.min() < 0 else 0
    least, highest = (number_format.value(float(f"{end * most:.2g}")) for end in (low, 1))
    st.html(colour_bar.bar(least, highest, mosaic.ramp(low)))


def _on_layer() -> None:
    """Open another layer, at its strongest channel."""
    here, model = now(), loaded_models.load(state()["model"])
    if chosen := diagram.picked(
        "inside-diagram", trace_cache.run(model, trace_cache.small(model, here["view"]))
    ):
        here |= {"layer": chosen, "channel": None, "pixel": None, "chosen": ("layer",)}


def _on_channel() -> None:
    """Look at another channel of the layer."""
    order = st.session_state["inside-order"]
    if (cell := grid_picker.picked("inside-maps", len(order))) is not None:
        now().update(channel=order[cell], pixel=None, chosen=("layer", "channel"))
