"""Which pixels decide: three methods, and whether they explain the network at all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

import zoo
from pages.common import loaded_models
from pages.components.gallery import gallery
from pages.images import colour_bar, encoding, heat_map
from pages.images.encoding import data_url as address
from zoo.explain import recorded_reasons

METHODS: dict[str, tuple[str, Callable[..., np.ndarray]]] = {
    "Grad-CAM": (
        "Maps of the last convolution, weighted by their gradient and summed (Selvaraju et al. "
        "2017): coarse, and never against the class.",
        zoo.explain.grad_cam,
    ),
    "Occlusion": (
        "How far the probability falls when a patch is covered (Zeiler & Fergus 2014). Amber: "
        "covering it makes the network more sure.",
        zoo.explain.occlusion,
    ),
    "Integrated gradients": (
        "The gradient of the class's logit on the way from a black image to this one "
        "(Sundararajan et al. 2017). The map's sum is the difference of the two logits.",
        zoo.explain.integrated_gradients,
    ),
}


@st.fragment
def show(model: zoo.Classifier, view: np.ndarray) -> None:
    """Draw the section "What the network looked at".

    Args:
        model: A loaded classifier.
        view: uint8 array, as ``model.view`` returns it.
    """
    st.header("What the network looked at", anchor="looked-at")
    key = loaded_models.key(model)
    answer = _answer(key, model, view)
    method = st.segmented_control(
        "Method", list(METHODS), default="Grad-CAM", required=True, key="decided-method"
    )
    # The answer of another image is another default, so the key must change with it.
    left, right = st.columns([3, 9], gap="medium", vertical_alignment="bottom")
    label = left.selectbox(
        "Class", model.labels, index=model.labels.index(answer), key=f"decided-{answer}"
    )
    check = right.toggle(
        "Compare with random weights",
        key="decided-check",
        help="Sanity check of Adebayo et al. 2018: a map that stays the same when the weights are "
        "random shows the image, not what the network has learned.",
    )
    images, correlation = _images(key, model, view, method, label, check)
    st.caption(METHODS[method][0])
    gallery.show("decided", images, columns=4, stacked=True)
    st.html(colour_bar.bar("less sure", "more sure", heat_map.COLOURS))
    if check:
        st.markdown(_verdict(method, correlation))


def _image(title: str, detail: str, encoded: bytes) -> gallery.GalleryImage:
    return gallery.GalleryImage(title, detail, address(encoded), f"{title}, {detail}")


def _verdict(method: str, correlation: float) -> str:
    """Say what the comparison shows."""
    if np.isnan(correlation):
        return "With random weights the map is empty: there is nothing to compare."
    return (
        f"Rank correlation of the two {method} maps: **{correlation:.2f}** (1: the same order of "
        "pixels; 0: orders that have nothing to do with each other). The nearer to 1, the more "
        "the map shows the image itself rather than what the network has learned."
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _answer(key: str, _model: zoo.Classifier, view: np.ndarray) -> str:
    return _model.predict(view).label


@st.cache_data(max_entries=64, show_spinner="Asking the network …")
def _images(
    key: str, _model: zoo.Classifier, view: np.ndarray, method: str, label: str, check: bool
) -> tuple[list[gallery.GalleryImage], float]:
    """Return the image and its maps, and the correlation of the two if they are compared."""
    found = _maps(_model, view, method, label, check)
    images = [_image("The image", "what it sees", encoding.png(view, _scale(view)))]
    images.append(_image(method, f"for {label}", _heat(view, found.trained)))
    if check:
        images.append(_image("Random weights", f"for {label}", _heat(view, found.randomized)))
    return images, found.correlation


def _maps(
    model: zoo.Classifier, view: np.ndarray, method: str, label: str, check: bool
) -> zoo.explain.SanityCheck:
    explain = METHODS[method][1]

    def of(network: zoo.Classifier, image: np.ndarray) -> np.ndarray:
        return explain(network, image, label)

    if check:
        return zoo.explain.sanity_check(model, view, of)
    trained = _recorded(model, view, method, label)
    trained = of(model, view) if trained is None else trained
    return zoo.explain.SanityCheck(trained, np.zeros_like(trained), float("nan"))


def _recorded(
    model: zoo.Classifier, view: np.ndarray, method: str, label: str
) -> np.ndarray | None:
    """Return the map of a sample's own answer, if it is recorded and made with these settings."""
    found = recorded_reasons.recorded(model, zoo.info(model.name).sha256)
    drop, cam = found.get(recorded_reasons.key(view, label), (None, None))
    usual = not recorded_reasons.settings(model)
    return {"Grad-CAM": cam, "Occlusion": drop if usual else None}.get(method)


def _scale(view: np.ndarray) -> int:
    return max(1, round(280 / max(view.shape[:2])))


def _heat(view: np.ndarray, values: np.ndarray) -> bytes:
    return heat_map.png(view, values, _scale(view), least=1e-30)
