"""Feature maps: open a trained network, layer by layer, channel by channel, number by number."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import entry_guard, loaded_models, site
from pages.components.diagram import diagram
from pages.sections import attribution_maps
from pages.sections.feature_maps import (
    channel_arithmetic,
    image_choice,
    layer_maps,
    looked_at,
    top_images,
    trace_cache,
)
from pages.server import live_maps

entry_guard.ensure("pages/feature_maps.py")


@st.fragment
def explorer(model: zoo.Model) -> None:
    """Draw all that depends on layer, channel and pixel: a click reruns this and nothing else."""
    view = trace_cache.small(model, looked_at.now()["view"])
    run = trace_cache.run(model, view)

    st.header("The network", anchor="network")
    layer = layer_maps.network(run, view, live_maps.address(model, view))

    st.header(f"{diagram.title(layer)}: {diagram.size(layer.shape)}", anchor="maps")
    left, right = st.columns([8, 5], gap="large")
    with left:
        layer_maps.maps(model, run, layer)
    with right:
        channel_arithmetic.channel(model, view, run, layer)

    st.header("The arithmetic", anchor="arithmetic")
    channel_arithmetic.arithmetic(model, view, run, layer)

    looked_at.hold_in_link()
    # Last: the first time it may have to ask the network about many images.
    top_images.show(model, run, layer, looked_at.now()["channel"])


st.title("Feature maps", anchor=False)
st.markdown(
    "Open a trained network: every layer, every channel, and the arithmetic behind every number, "
    "on an image of yours."
)
if not looked_at.names():
    st.info("No network is here to be opened: train one and export it, as the README shows.")
    st.stop()
looked_at.on_link()
model = loaded_models.load(looked_at.state()["model"])
image_choice.show(model)
explorer(model)
if isinstance(model, zoo.Classifier):
    attribution_maps.show(model, looked_at.now()["view"])
elif "pages/skip_connections.py" in [entry.path for entry in site.entries()]:
    st.page_link(
        "pages/skip_connections.py",
        label="What its skip connections are for",
        icon=":material/conversion_path:",
    )
