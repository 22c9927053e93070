"""Pieces of the app's other pages inside an answer, where there is something to touch."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

import zoo
from pages.common import loaded_models
from pages.components.arithmetic_steps import arithmetic_steps
from pages.sections.batch_norm import live_folding, live_steps, norm_inputs
from pages.sections.feature_maps import trace_cache
from pages.sections.interview import live_diff, live_gradient
from pages.sections.segmentation import skip_ablation_view as ablation
from zoo.samples import Sample, samples

_PHOTO = "red-coupe-gravel"


def show(name: str) -> None:
    """Draw a live piece; "" is none, and a piece whose model is missing is left out."""
    if not name:
        return
    model = _MODELS[name]
    if model is None or model in zoo.list_models():
        st.divider()
        PIECES[name]()


def _batch_norm() -> None:
    st.markdown("**Try it:** one BatchNorm layer of the trained network. Change γ and β.")
    live_steps.show()


def _folding() -> None:
    st.markdown(
        "**Try it** on the object network: fold each BatchNorm into its convolution, and time both."
    )
    live_folding.show(norm_inputs.subject("cifar10"))


@st.fragment
def _skips() -> None:
    st.markdown("**Try it:** every skip connection is cut. Put them back one by one.")
    model = loaded_models.segmenter("carvana")
    view = model.model_input_image(_photo().read())
    run = trace_cache.run(model, trace_cache.small(model, view))
    found = ablation.skips(run)
    titles = [ablation.title(run, skip) for skip in found]
    kept = st.pills(
        "Connections in place, by the size of their maps",
        range(len(found)),
        default=[],  # all cut: what they carry is seen at once
        selection_mode="multi",
        format_func=titles.__getitem__,
        key="interview.skips",
    )
    cut = tuple(skip.joins for number, skip in enumerate(found) if number not in kept)
    with st.spinner("Cutting …"):
        change = ablation.change(loaded_models.key(model), model, view, cut, "zero")
    ablation.show_masks(change, view, len(kept), len(found))


@st.fragment
def _colours() -> None:
    st.markdown("**Try it:** a number of one map, summed over red, green and blue.")
    model = loaded_models.classifier("cifar10")
    run = trace_cache.run(model, model.model_input_image(samples("objects")[0].read()))
    layer = next(one for one in run.layers if one.kind == "convolution")
    values = run[layer.name]
    channel = st.slider(
        "Map of the first layer", 0, len(values) - 1, trace_cache.liveliest(values), key="iv.map"
    )
    row, column = trace_cache.peak(values[channel])
    found = zoo.explain.arithmetic(run, layer.name, channel, row, column)
    arithmetic_steps.show("interview-colours", list(found))


def _photo() -> Sample:
    """Return a photo whose mask without skips is neither gone nor whole, or any."""
    photos = samples("cars")
    return next((one for one in photos if one.id == _PHOTO), photos[0])


PIECES: dict[str, Callable[[], None]] = {
    "batch_norm": _batch_norm,
    "colours": _colours,
    "folding": _folding,
    "gradient_check": live_gradient.show,
    "skips": _skips,
    "training_diff": live_diff.show,
}
_MODELS = {
    "batch_norm": "cifar10",
    "colours": "cifar10",
    "folding": "cifar10",
    "gradient_check": None,
    "skips": "carvana",
    "training_diff": None,
}
