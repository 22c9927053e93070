"""Digits: draw one, and see what the network answers, what it sees, and what it does inside."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import streamlit as st

import zoo
from pages.common import entry_guard, loaded_models, number_format
from pages.components import upload
from pages.components.class_answer import class_answer
from pages.components.drawing_pad import drawing_pad
from pages.components.drop_zone import drop_zone
from pages.components.gallery import gallery
from pages.components.in_view import in_view
from pages.components.link import link
from pages.components.thumbnails import thumbnails
from pages.images import colour_bar, encoding, heat_map, mosaic, shared_images
from pages.images.encoding import data_url as address
from pages.sections import calibration, confident_errors
from pages.sections import training_history as training_section
from zoo.explain import recorded_reasons
from zoo.samples import Sample, first_sample, samples

entry_guard.ensure("pages/digits.py")
model = loaded_models.classifier("mnist")

# Seconds that the answer gets to reach the screen before the maps below take all cores: the median
# wait for an answer fell from 59 to 51 ms, the 95th percentile from 76 to 52
# (training.benchmarks.pages.digits_page, server and browser on the same two cores).
HEAD_START = 0.05
PLACE = {"numpy": "NumPy", "torch": "PyTorch"}[model.config["framework"]]
# In the session's state.
OWN, UNDER, LOADING = "digits-own", "digits-under", "digits-loading"
INSIDE, SEEN = "digits-inside", "digits-seen"
EMPTY = np.zeros((model.preprocessing.height, model.preprocessing.width), np.uint8)
STEPS = {"conv": "Convolution", "pool": "Max pooling", "bn": "BatchNorm", "relu": "ReLU"}


st.title("Digits", anchor=False)
st.markdown("Draw a digit. A convolutional network written in NumPy answers after every stroke.")


# --- What is on the pad. Plain session state, so that it outlives a visit to another page. ---


def shown() -> dict[str, Any]:
    """Return what is on the pad: the image to read, its view, or the problem with it."""
    if "digits" not in st.session_state:
        put_sample(first_sample("digits").id)
    return st.session_state["digits"]


def put(kind: str, **contents: Any) -> None:
    """Put something on the pad. The token tells the pad that it is new."""
    number = st.session_state.get("digits", {}).get("number", 0) + 1
    st.session_state["digits"] = {"kind": kind, "number": number, "token": number} | contents


def put_sample(sample_id: str) -> None:
    """Put a sample digit on the pad; an id that does not exist changes nothing."""
    for sample in samples("digits"):
        if sample.id == sample_id:
            take(sample, id=sample_id)


def take(sample: Sample, **contents: Any) -> None:
    """Put an image that was shipped with the app on the pad."""
    encoded = sample.read()
    put("sample", image=encoded, url=shared_images.address(encoded), ink=True, **contents)


def on_stroke() -> None:
    """Take what was drawn; the pad shows it already, so its token stays.

    What it was drawn over is kept, for "undo" may bring it back.
    """
    drawing = drawing_pad.drawing("pad")
    if not drawing:
        return
    before = shown()
    token = before["token"]
    if before["kind"] != "drawing":
        st.session_state[UNDER] = before
    under = st.session_state.get(UNDER)
    if drawing.image and under and under["token"] == token:
        put(**under | {"token": token, "number": before["number"] + 1})
    else:
        put("drawing", image=drawing.png, strokes=drawing.strokes, token=token)


def on_pick() -> None:
    """Take the sample that was clicked."""
    if chosen := thumbnails.picked("digits-samples"):
        put_sample(chosen)


def on_file(_name: str, contents: bytes) -> None:
    """Take a photo of the visitor's own, or the reason why it cannot be used.

    Only what the network sees and a small copy are kept: a photo may have megabytes, and preparing
    it takes a moment.
    """
    try:
        view = model.model_input_image(contents)
        small = encoding.jpeg(zoo.open_image(contents), side=560)
    except Exception as error:
        put("upload", problem=upload.problem(error))
        return
    st.session_state[OWN] = {"view": view, "url": address(small, "jpeg"), "ink": False}
    on_back()


def on_back() -> None:
    """Take the visitor's own photo, which stays at hand while they draw or look at others."""
    if own := st.session_state.get(OWN):
        put("upload", own=True, **own)


def on_link() -> None:
    """Take the sample that a visitor's link names."""
    came = link.arrived(sample=str)
    if "sample" in came:
        put_sample(came["sample"])


# --- The parts of the page. ---


@st.fragment
def playground() -> None:
    """Draw all that depends on the digit: a stroke reruns this and nothing else."""
    loading = st.session_state.pop(LOADING, False)
    left, right = st.columns([5, 7], gap="medium")
    if not loading:  # first, although it stands second: the answer is what somebody waits for
        with right:
            answered = show_answer()
    with left, st.container(key="stage"):
        show_pad()
        show_drop_zone()
    if loading:  # from top to bottom, so that nothing moves
        with right:
            answered = show_answer()
    show_choices()
    sample = shown().get("id")
    link.show(sample=None if sample == first_sample("digits").id else sample)
    view, label = answered or (None, "")
    show_inside(view, label, loading)


def show_pad() -> None:
    """Draw the pad with the current digit on it."""
    now = shown()
    drawing_pad.draw(
        "pad",
        token=str(now["token"]),
        strokes=now.get("strokes"),
        image=now.get("url"),
        ink=now.get("ink", True),
        on_change=on_stroke,
    )


def show_answer() -> tuple[np.ndarray, str] | None:
    """Draw the answer; return what the network sees and says, or None if there is nothing."""
    now = shown()
    try:
        if "problem" in now:
            raise zoo.ImageError(now["problem"])
        view = now["view"] if "view" in now else model.model_input_image(now["image"])
        result = model.predict(view)
    except zoo.ImageError as error:
        class_answer.show_problem("digits-answer", now["number"], model.labels, str(error))
        return None
    place = f"{PLACE} on the {model.device.upper()}"
    class_answer.show("digits-answer", now["number"], result, view, place, note=caution(result))
    return view, result.label


def caution(result: zoo.Classification) -> str:
    """Say that this may be no single digit, if the measured threshold says so."""
    if not result.is_ood or result.ood_threshold is None:
        return ""
    return (
        "It may be no single digit: the network is less than "
        f"{number_format.percent(result.ood_threshold)} sure."
    )


@st.cache_data(show_spinner=False)
def choices(weights: str) -> dict[str, list[thumbnails.Item]]:
    """Return the sample digits by group, with what the network makes of them.

    Args:
        weights: SHA-256 of the weights: other weights, other answers.
    """
    images = samples("digits")
    results = model.predict_batch([sample.path for sample in images])
    groups: dict[str, list[thumbnails.Item]] = {"Try one": [], "Hard ones: truth → answer": []}
    for sample, result in zip(images, results, strict=True):
        group = "Try one" if sample.group == "typical" else "Hard ones: truth → answer"
        groups[group].append(choice(sample, result))
    return groups


def choice(sample: Sample, result: zoo.Classification) -> thumbnails.Item:
    """Turn a sample into an image to click."""
    verdict = f"the network says {result.label} ({number_format.percent(result.confidence)})"
    return thumbnails.Item(
        id=sample.id,
        image=shared_images.address(sample.read()),
        description=f"{sample.description}, a {sample.label}; {verdict}",
        note="" if sample.group == "typical" else f"{sample.label} → {result.label}",
    )


def show_drop_zone() -> None:
    """Draw the place for a photo of the visitor's own."""
    drop_zone.show(
        "photo",
        title="Or a photo of one digit",
        on_file=on_file,
        yours=st.session_state.get(OWN, {}).get("url"),
        chosen=bool(shown().get("own")),
        on_back=on_back,
        result="stage",
    )


def show_choices() -> None:
    """Draw the sample digits."""
    shown_id = shown().get("id")
    thumbnails.show(
        "digits-samples", choices(zoo.info(model.name).sha256), shown_id, on_pick, beside=True
    )
    st.caption(f"Sample digits: {samples('digits')[0].credit}")


@st.fragment
def show_inside(view: np.ndarray | None, label: str, loading: bool) -> None:
    """Draw what the network looked at, and every layer's output, once somebody looks there.

    With nothing on the pad the images are dark, but there: the page keeps its place.
    """
    token = str(shown()["number"])
    known = view is None or is_sample(view, label)
    asked = INSIDE not in st.session_state or st.session_state.get(SEEN) == token
    if wanted := loading or known or asked:
        if not loading and not known:
            time.sleep(HEAD_START)
        st.session_state[INSIDE] = inside(view, label)
    in_view.show("view-inside", token, wanted, on_seen)
    found = st.session_state[INSIDE]
    st.header("What the network looked at", anchor="looked-at")
    show_occlusion(found)
    st.header("Inside, layer by layer", anchor="layers")
    st.markdown(
        "Each square is one feature map of this digit. Violet: the map answers, the brighter the "
        "stronger; dark: it is silent; amber: below zero."
    )
    gallery.show("layers", found["layers"], columns=4)


def on_seen() -> None:
    """Draw what is inside, for it has come into view."""
    st.session_state[SEEN] = in_view.seen("view-inside")


def inside(view: np.ndarray | None, label: str) -> dict[str, Any]:
    """Return what the network looked at and what its layers made of it, dark for an empty pad."""
    key = loaded_models.key(model)
    if view is None:
        images = occlusion_images(EMPTY, np.zeros(EMPTY.shape), label, shared_images.address)
        # Of an empty pad the network has no answer; a sample has maps of the same shapes.
        silent = layers(key, first_sample("digits").read(), silent=True, shared=True)
        return {"label": "", "occlusion": images, "most": 0.0, "layers": silent}
    images, most = covered(key, view, label)
    found = layers(key, view, silent=False, shared=is_sample(view, label))
    return {"label": label, "occlusion": images, "most": most, "layers": found}


@st.cache_data(show_spinner=False, max_entries=64)
def layers(
    key: str, view: np.ndarray | bytes, silent: bool, shared: bool
) -> list[gallery.GalleryImage]:
    """Return every layer's maps as images, or dark ones: a sample's once for all visitors."""
    url = shared_images.address if shared or silent else address
    maps = zoo.explain.activations(model, view)
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


def known() -> Mapping[str, recorded_reasons.Reasons]:
    """Return what explains the answers to the samples, as recorded."""
    return recorded_reasons.recorded(model, zoo.info(model.name).sha256)


def is_sample(view: np.ndarray | None, label: str) -> bool:
    """Return whether this is a sample and its answer, which every visitor may see."""
    return view is not None and recorded_reasons.key(view, label) in known()


@st.cache_data(show_spinner=False, max_entries=64)
def covered(key: str, view: np.ndarray, label: str) -> tuple[list[gallery.GalleryImage], float]:
    """Return what the network sees and where covering it changes the answer, and by how much."""
    found = known().get(recorded_reasons.key(view, label))
    url = shared_images.address if found else address
    drop = found[0] if found else zoo.explain.occlusion(model, view, label)
    return occlusion_images(view, drop, label, url), float(np.abs(drop).max())


def occlusion_images(
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


def show_occlusion(found: Mapping[str, Any]) -> None:
    """Draw what the network sees, and where covering it changes the answer."""
    label, most = found["label"], found["most"]
    left, right = st.columns([7, 5], gap="medium", vertical_alignment="center")
    with left:
        gallery.show("decided", found["occlusion"], columns=2)
    if not label:
        right.markdown("Draw a digit, and this shows which parts of it the answer rests on.")
        return
    points = number_format.points(most)
    with right:
        st.markdown(
            f"Each part of the image is covered in turn. Where it is **violet**, covering it makes "
            f"the network less sure of **{label}**; where it is **amber**, more sure."
        )
        st.html(colour_bar.bar(f"+{points}", f"−{points}", heat_map.COLOURS))


on_link()
st.session_state[LOADING] = True
playground()
calibration.show(model)
confident_errors.show(model, take, "stage")
training_section.show(model)
