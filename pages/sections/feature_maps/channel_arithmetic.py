"""One channel: its weights, its map, of which a pixel is chosen, and how that value comes about."""

from __future__ import annotations

import numpy as np
import streamlit as st

import zoo
from pages.components.arithmetic_steps import arithmetic_steps
from pages.components.grid_picker import cell_sheet, grid_picker
from pages.images import mosaic
from pages.sections.feature_maps import feature_visualization, layer_maps, trace_cache
from pages.sections.feature_maps.looked_at import now
from zoo.explain import Trace, TracedLayer

_LEAST = 352  # pixels that a map is wide


def channel(model: zoo.Model, view: np.ndarray, run: Trace, layer: TracedLayer) -> None:
    """Draw the channel's kernel, and its preferred input."""
    chosen = now()["channel"]
    st.markdown(f"**Channel {chosen}**")
    _kernel(run, layer)
    feature_visualization.show(model, layer, chosen, view.shape[:2])


def arithmetic(model: zoo.Model, view: np.ndarray, run: Trace, layer: TracedLayer) -> None:
    """Draw how the chosen value comes about, beside the map in which it is chosen."""
    if len(layer.shape) != 3:  # a feature has no map
        _steps(model, run, layer)
        return
    left, right = st.columns([4, 9], gap="medium")
    with left:
        _map(view, run, layer)
    with right:
        _steps(model, run, layer)


def _kernel(run: Trace, layer: TracedLayer) -> None:
    """Draw the weights that the channel is made with."""
    kernel = zoo.explain.kernel_of(run, layer.name, now()["channel"])
    if kernel is None:
        return
    st.image(mosaic.png(kernel), width="stretch", alt=f"Weights of channel {now()['channel']}")
    layer_maps.colours(kernel)
    st.caption(
        f"Its weights: {kernel.shape[-2]} × {kernel.shape[-1]} for each of {len(kernel)} "
        f"input channel{'s' if len(kernel) > 1 else ''}"
    )


def _map(view: np.ndarray, run: Trace, layer: TracedLayer) -> None:
    """Draw the channel's map, one pixel of it chosen, and below what that pixel sees."""
    here = now()
    values = run[layer.name][here["channel"]]
    height, width = values.shape
    if here["pixel"] is None or here["pixel"][0] >= height or here["pixel"][1] >= width:
        here["pixel"] = trace_cache.peak(values)
    row, column = here["pixel"]
    st.session_state["inside-size"] = (height, width)
    st.markdown(f"**Map of channel {here['channel']}**: click a pixel")
    pixels = cell_sheet.sheet(
        f"Map of channel {here['channel']}.",
        trace_cache.sheet(values[None], True, max(_LEAST, width))[0],
        mosaic.Mosaic(height, width, height * width, aspect=1.0),
        row * width + column,
        caption=True,
        widest="26rem",
    )
    grid_picker.show("inside-pixels", pixels, _on_pixel)
    layer_maps.colours(values[None])
    field = zoo.explain.receptive_field(run, layer.name, row, column)
    st.image(
        trace_cache.over(view, values, field),
        width="stretch",
        alt=f"The map over the image; framed, what row {row}, column {column} sees",
    )
    st.caption(f"Framed: the {field.width} × {field.height} pixels that it sees")


def _steps(model: zoo.Model, run: Trace, layer: TracedLayer) -> None:
    here = now()
    row, column = here["pixel"] or (0, 0)
    maps = len(layer.shape) == 3
    where = f"row {row}, column {column} of channel" if maps else "feature"
    st.markdown(
        f"How **{where} {here['channel']}** of `{layer.name}` comes about, recomputed from what "
        "went in."
    )
    try:
        found = list(zoo.explain.arithmetic(run, layer.name, here["channel"], row, column))
        if layer.name == run.output and isinstance(model, zoo.Classifier):
            found.append(zoo.explain.softmax_step(run, here["channel"]))
    except zoo.ZooError as error:
        st.info(str(error))
        return
    arithmetic_steps.show("inside-steps", found)


def _on_pixel() -> None:
    """Compute another value of the map."""
    height, width = st.session_state["inside-size"]
    if (cell := grid_picker.picked("inside-pixels", height * width)) is not None:
        now().update(pixel=divmod(cell, width), chosen=("layer", "channel", "pixel"))
