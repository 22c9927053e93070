"""What the digit network looked at, and what each of its layers made of the digit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import streamlit as st

import zoo
from pages.common import loaded_models
from pages.components.gallery import gallery
from pages.components.in_view import in_view
from pages.images import encoding, heat_map, mosaic, shared_images
from pages.images.encoding import data_url as address
from zoo.explain import recorded_reasons
from zoo.samples import first_sample

# Seconds that the answer gets to reach the screen before the maps below take all cores: the median
# wait for an answer fell from 59 to 51 ms, the 95th percentile from 76 to 52
# (training.benchmarks.pages.digits_page, server and browser on the same two cores).
HEAD_START = 0.05
STEPS = {"conv": "Convolution", "pool": "Max pooling", "bn": "BatchNorm", "relu": "ReLU"}
INSIDE, SEEN = "digits-inside", "digits-seen"  # in the session's state


@st.fragment
def show(
    model: zoo.Classifier, view: np.ndarray | None, label: str, token: str, at_once: bool
) -> None:
    """Draw what the network looked at, and every layer's output, once somebody looks there.

    With nothing on the pad the images are dark, but there: the page keeps its place.

    Args:
        model: The digit network, in NumPy.
        view: uint8 (H, W), what the network sees; None with nothing on the pad.
        label: Its answer.
        token: Another one for another digit.
        at_once: Whether to draw them without waiting for somebody to look.
    """
    known = view is None or _is_sample(model, view, label)
    asked = INSIDE not in st.session_state or st.session_state.get(SEEN) == token
    if wanted := at_once or known or asked:
        if not at_once and not known:
            time.sleep(HEAD_START)
        st.session_state[INSIDE] = _inside(model, view, label)
    in_view.show("view-inside", token, wanted, _on_seen)
    found = st.session_state[INSIDE]
    st.header("What the network looked at", anchor="looked-at")
    _show_occlusion(found)
    st.header("Inside, layer by layer", anchor="layers")
    st.markdown("Each square is one feature map of this digit; each layer has its own scale.")
    st.html(mosaic.words(negative=True))
    gallery.show("layers", found["layers"], columns=4)


def _on_seen() -> None:
    """Draw what is inside, for it has come into view."""
    st.session_state[SEEN] = in_view.seen("view-inside")


def _inside(model: zoo.Classifier, view: np.ndarray | None, label: str) -> dict[str, Any]:
    """Return what the network looked at and what its layers made of it, dark for an empty pad."""
    key = loaded_models.key(model)
    if view is None:
        empty = np.zeros((model.preprocessing.height, model.preprocessing.width), np.uint8)
        images = _occlusion_images(empty, np.zeros(empty.shape), label, shared_images.address)
        # Of an empty pad the network has no answer; a sample has maps of the same shapes.
        silent = _layers(key, model, first_sample("digits").read(), silent=True, shared=True)
        return {"label": "", "occlusion": images, "bar": "", "layers": silent}
    images, bar = _covered(key, model, view, label)
    shared = _is_sample(model, view, label)
    found = _layers(key, model, view, silent=False, shared=shared)
    return {"label": label, "occlusion": images, "bar": bar, "layers": found}


@st.cache_data(show_spinner=False, max_entries=64)
def _layers(
    key: str, _model: zoo.Classifier, view: np.ndarray | bytes, silent: bool, shared: bool
) -> list[gallery.GalleryImage]:
    """Return every layer's maps as images, or dark ones: a sample's once for all visitors."""
    url = shared_images.address if shared or silent else address
    maps = zoo.explain.activations(_model, view)
    shown = {
        name: mosaic.png(np.zeros_like(values) if silent else values)
        for name, values in maps.items()
        if values.ndim == 3
    }
    return [
        gallery.GalleryImage(
            title=f"{STEPS[name.rstrip('0123456789')]} {name[-1]}",
            detail=" × ".join(str(length) for length in maps[name].shape),
            image=url(image),
            alt=f"Output of layer {name}: {len(maps[name])} maps",
            shape=encoding.shape(image),
        )
        for name, image in shown.items()
    ]


def _known(model: zoo.Classifier) -> Mapping[str, recorded_reasons.Reasons]:
    """Return what explains the answers to the samples, as recorded."""
    return recorded_reasons.recorded(model, zoo.info(model.name).sha256)


def _is_sample(model: zoo.Classifier, view: np.ndarray, label: str) -> bool:
    """Return whether this is a sample and its answer, which every visitor may see."""
    return recorded_reasons.key(view, label) in _known(model)


@st.cache_data(show_spinner=False, max_entries=64)
def _covered(
    key: str, _model: zoo.Classifier, view: np.ndarray, label: str
) -> tuple[list[gallery.GalleryImage], str]:
    """Return what the network sees and where covering it changes the answer, and the key to it."""
    found = _known(_model).get(recorded_reasons.key(view, label))
    url = shared_images.address if found else address
    drop = found[0] if found else zoo.explain.occlusion(_model, view, label)
    return _occlusion_images(view, drop, label, url), heat_map.bar(drop)


def _occlusion_images(
    view: np.ndarray, drop: np.ndarray, label: str, url: Callable[[bytes], str]
) -> list[gallery.GalleryImage]:
    """Return what the network sees, and occlusion's map of it."""
    return [
        gallery.GalleryImage(
            "What it sees", "28 × 28", url(encoding.png(view, 10)), "The digit", 1.0
        ),
        gallery.GalleryImage(
            "Occlusion",
            "map",
            url(heat_map.png(view, drop, 10)),
            f"Where it sees a {label}",
            1.0,
        ),
    ]


def _show_occlusion(found: Mapping[str, Any]) -> None:
    """Draw what the network sees, and where covering it changes the answer."""
    label = found["label"]
    left, right = st.columns([7, 5], gap="medium", vertical_alignment="center")
    with left:
        gallery.show("decided", found["occlusion"], columns=2)
    if not label:
        right.markdown("Draw a digit, and this shows which parts of it the answer rests on.")
        return
    with right:
        st.markdown(
            f"Each part of the image is covered in turn. Where it is **violet**, covering it makes "
            f"the network less sure of **{label}**; where it is **amber**, more sure."
        )
        st.html(found["bar"])
