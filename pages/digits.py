"""Digits: draw one, and see what the network answers, what it sees, and what it does inside."""

from __future__ import annotations

from typing import Any

import streamlit as st

import zoo
from pages.common import entry_guard, loaded_models, number_format, site
from pages.components import upload
from pages.components.class_answer import class_answer
from pages.components.drawing_pad import drawing_pad
from pages.components.drop_zone import drop_zone
from pages.components.link import link
from pages.components.thumbnails import thumbnails
from pages.images import encoding, shared_images
from pages.images.encoding import data_url as address
from pages.sections import calibration, class_answers, confident_errors, digit_inside
from pages.sections import training_history as training_section
from pages.server import live_answer
from zoo.samples import Sample, first_sample, samples

entry_guard.ensure("pages/digits.py")

# In the session's state.
OWN, UNDER, LOADING = "digits-own", "digits-under", "digits-loading"


st.title("Digits", anchor=False)
st.markdown("Draw a digit. A convolutional network written in NumPy answers after every stroke.")
model = loaded_models.classifier("mnist")


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
    token = str(shown()["number"])
    digit_inside.show(model, answered.view, answered.label, token, at_once=loading)


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
        ask=f"{site.base()}/{live_answer.PATH}",
    )


def show_answer() -> class_answers.ClassAnswer:
    """Draw the answer; return it."""
    now = shown()
    if "problem" in now:
        answer = class_answers.problem(model, now["problem"])
    elif "view" in now:
        answer = class_answers.to_view(model, now["view"])
    else:
        answer = class_answers.to_file(model, now["image"])
    class_answer.draw("digits-answer", now["number"], answer.said)
    return answer


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
        "digits-samples",
        choices(zoo.info(model.name).sha256),
        shown_id,
        on_pick,
        beside=True,
        ask=live_answer.sample_address("digits"),
    )
    st.caption(f"Sample digits: {samples('digits')[0].credit}")


on_link()
st.session_state[LOADING] = True
playground()
calibration.show(model)
confident_errors.show(model, take, "stage")
training_section.show(model)
