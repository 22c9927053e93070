"""Objects: upload a photo, and see what the network calls it, why, and how often it errs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

import zoo
from pages.common import entry_guard, loaded_models, number_format
from pages.components import upload
from pages.components.class_answer import class_answer
from pages.components.crop import crop
from pages.components.drop_zone import drop_zone
from pages.components.gallery import gallery
from pages.components.in_view import in_view
from pages.components.link import link
from pages.components.thumbnails import thumbnails
from pages.images import colour_bar, encoding, heat_map, shared_images
from pages.images.encoding import data_url as address
from pages.sections import calibration, class_answers, confident_errors
from pages.sections import training_history as training_section
from pages.server import live_answer
from zoo.explain import recorded_reasons
from zoo.preprocessing.images import crop_square
from zoo.samples import Sample, samples

entry_guard.ensure("pages/objects.py")

KEPT = 1024  # pixels: of a larger photo a copy of this size is kept, for the square to move on
HEAD_START = 0.05  # seconds for the answer to reach the screen; see pages/sections/digit_inside.py
# In the session's state.
OWN, LOADING = "objects-own", "objects-loading"
REASONS, SEEN = "objects-reasons", "objects-seen"
START = "dog-beagle"  # what was looked at is seen at once: its face
TYPICAL, HARD, UNLIKE = "Try one", "Hard ones: truth → answer", "Out-of-distribution"

about = zoo.info("cifar10")
st.title("Objects", anchor=False)
st.markdown(
    f"Hand in a photo. A convolutional network, trained from scratch on {about.data['name']}, "
    f"gives it one of {len(about.labels)} names: {', '.join(about.labels[:-1])} or "
    f"{about.labels[-1]}."
)
model = loaded_models.classifier(about.name)
size = model.preprocessing


# --- The photo. Plain session state, so that it outlives a visit to another page. ---


def shown() -> dict[str, Any]:
    """Return the photo in use and where its square lies, or the problem with it."""
    if "objects" not in st.session_state:
        put_sample(START)
    return st.session_state["objects"]


def put(**contents: Any) -> None:
    """Take a new photo. The number tells answers apart, the token photos."""
    number = st.session_state.get("objects", {}).get("number", 0) + 1
    st.session_state["objects"] = {"number": number, "token": str(number)} | contents
    st.session_state["explained"] = None  # the class to explain: the answer


def put_photo(encoded: bytes, url: str, description: str, **contents: Any) -> None:
    """Take a photo; ``url`` is its address."""
    put(image=encoded, url=url, description=description, square=crop.Square(), **contents)


def put_sample(sample_id: str) -> None:
    """Take a sample; an id that does not exist changes nothing."""
    for sample in samples("objects"):
        if sample.id == sample_id:
            take(sample, id=sample.id)


def take(sample: Sample, **contents: Any) -> None:
    """Take an image that was shipped with the app."""
    kind = "png" if sample.path.suffix == ".png" else "jpeg"
    encoded = sample.read()
    url = shared_images.address(encoded, kind)
    put_photo(encoded, url, sample.description, credit=sample.credit, **contents)


def on_pick() -> None:
    """Take the sample that was clicked."""
    if chosen := thumbnails.picked("objects-samples"):
        put_sample(chosen)


def on_file(_name: str, contents: bytes) -> None:
    """Take an image of the visitor's own, or the reason why it cannot be used."""
    try:
        photo = zoo.open_image(contents)
        encoded, kind = encoding.compact(photo, KEPT)
    except Exception as error:
        put(problem=upload.problem(error), url=None, description="", square=crop.Square())
        return
    small = address(encoding.jpeg(crop_square(photo), side=96), "jpeg")
    st.session_state[OWN] = {"encoded": encoded, "url": address(encoded, kind), "small": small}
    on_back()


def on_back() -> None:
    """Take the visitor's own image, which stays at hand while they look at others."""
    if own := st.session_state.get(OWN):
        put_photo(own["encoded"], own["url"], "Your photo", own=True)


def on_camera(key: str) -> None:
    """Take what the camera took."""
    if file := st.session_state[key]:
        on_file(file.name, file.getvalue())


def on_move() -> None:
    """Take the square's new place; the photo stays."""
    now = shown()
    if square := crop.moved("crop", now["token"]):
        st.session_state["objects"] = now | {"square": square, "number": now["number"] + 1}


def on_link() -> None:
    """Take what a visitor's link names: a sample, where its square lies, the class to explain."""
    share = link.number(0, 1)
    came = link.arrived(
        sample=str,
        x=share,
        y=share,
        side=link.number(crop.MIN_SIDE, 1),
        explained=link.one_of(model.labels),
    )
    if "sample" not in came:
        return
    put_sample(came.pop("sample"))
    st.session_state["explained"] = came.pop("explained", None)
    shown()["square"] = replace(shown()["square"], **came)


def hold_in_link() -> None:
    """Put into the address what `on_link` reads; of a visitor's own photo nothing."""
    now = shown()
    square = vars(now["square"]) if now.get("id") else dict.fromkeys(vars(crop.Square()))
    usual = vars(crop.Square())
    changed = {name: None if v == usual[name] else v for name, v in square.items()}
    explained = st.session_state.get("explained") if now.get("id") else None
    sample = now.get("id")
    named = any(value is not None for value in (explained, *changed.values()))
    link.show(
        sample=None if sample == START and not named else sample,
        explained=explained,
        **changed,
    )


# --- The parts of the page. ---


@st.fragment
def playground() -> None:
    """Draw all that depends on the photo: a new one reruns this and nothing else."""
    loading = st.session_state.pop(LOADING, False)
    inputs = st.container()
    left, right = st.columns([5, 7], gap="medium")
    if not loading:  # first, although it stands third: the answer is what somebody waits for
        with right:
            answered = show_answer()
    with inputs:
        show_inputs()
    with left, st.container(key="stage"):
        show_photo()
    if loading:  # from top to bottom, so that nothing moves
        with right:
            answered = show_answer()
    weights = zoo.info(model.name).sha256
    thumbnails.show(
        "objects-samples",
        choices(weights),
        shown().get("id"),
        on_pick,
        beside=True,
        ask=live_answer.sample_address("objects"),
    )
    about = shown()["description"]
    st.caption(f"{about}. {shown()['credit']}" if "credit" in shown() else about or "No photo")
    hold_in_link()
    if answered.view is not None:
        show_reasons(answered.view, answered.label, loading)


def show_answer() -> class_answers.ClassAnswer:
    """Draw the answer; return it."""
    now = shown()
    if "problem" in now:
        answer = class_answers.problem(model, now["problem"])
    else:
        square = now["square"]
        answered = class_answers.to_photo if now.get("own") else class_answers.to_file
        answer = answered(model, now["image"], (square.x, square.y, square.side))
    class_answer.draw("objects-answer", now["number"], answer.said)
    return answer


def show_photo() -> None:
    """Draw the photo with the square that the network gets."""
    now = shown()
    crop.show(
        "crop",
        token=now["token"],
        image=now["url"],
        description=now["description"],
        square=now["square"],
        on_change=on_move,
    )


@st.cache_data(show_spinner=False)
def choices(weights: str) -> dict[str, list[thumbnails.Item]]:
    """Return the samples by group, as small images to click, with what the network says of them.

    Args:
        weights: SHA-256 of the weights: other weights, other answers.
    """
    images = samples("objects")
    squares = [crop_square(zoo.open_image(sample.path)) for sample in images]
    groups: dict[str, list[thumbnails.Item]] = {TYPICAL: [], HARD: [], UNLIKE: []}
    for sample, square, result in zip(images, squares, model.predict_batch(squares), strict=True):
        small = shared_images.address(encoding.jpeg(square, side=96), "jpeg")
        verdict = f"{result.label}, {number_format.percent(result.confidence)}"
        about = f"{sample.description}; the network says {verdict}"
        if sample.group == "none":
            groups[UNLIKE].append(thumbnails.Item(sample.id, small, about))
        elif result.label == sample.label:
            groups[TYPICAL].append(thumbnails.Item(sample.id, small, about))
        else:
            note = f"{sample.label} → {result.label}"
            groups[HARD].append(thumbnails.Item(sample.id, small, about, note))
    return groups


def show_inputs() -> None:
    """Draw the place for an image of the visitor's own, and the camera."""
    own = st.session_state.get(OWN, {})
    left, right = st.columns([7, 5], gap="medium", vertical_alignment="center")
    with left:
        drop_zone.show(
            "photo",
            title="Your photo",
            on_file=on_file,
            yours=own.get("small"),
            chosen=bool(shown().get("own")),
            on_back=on_back,
            result="stage",
        )
    with right.container(horizontal=True, vertical_alignment="center"):
        upload.camera("Take a photo", "A photo of one thing", "camera", on_camera)
        st.caption("It is not stored.")


def recorded() -> Mapping[str, recorded_reasons.Reasons]:
    """Return what explains the answers to the samples."""
    return recorded_reasons.recorded(model, zoo.info(model.name).sha256)


@st.cache_data(show_spinner=False, max_entries=128)
def reasons(key: str, view: np.ndarray, target: str) -> tuple[list[gallery.GalleryImage], str, str]:
    """Explain a class by two methods: a sample's answer as recorded, else once for all visitors.

    Returns:
        Images, the keys to the colours, and what Grad-CAM does not find.
    """
    found = recorded().get(recorded_reasons.key(view, target))
    url = shared_images.address if recorded_reasons.holds(recorded(), view) else address
    drop, cam = found or recorded_reasons.compute(model, view, target)
    seen = f"{size.width} × {size.height}"
    images = [
        gallery.GalleryImage("What it sees", seen, url(encoding.png(view, 10)), "The square", 1.0),
        *(
            gallery.GalleryImage(
                title, target, url(heat_map.png(view, values, 10, least)), "Its map", 1.0
            )
            for title, values, least in (("Grad-CAM", cam, 1e-9), ("Occlusion", drop, 0.02))
        ),
    ]
    nothing = "" if cam.any() else f" It finds nothing that speaks for **{target}**."
    bars = (heat_map.bar_of_strength("Grad-CAM"), heat_map.bar(drop, "Occlusion"))
    return images, colour_bar.row(*bars), nothing


def on_seen() -> None:
    """Draw the reasons, for they have come into view."""
    st.session_state[SEEN] = in_view.seen("view-reasons")


def show_reasons(view: np.ndarray, label: str, loading: bool) -> None:
    """Draw what in the image speaks for a class, by two methods, once somebody looks there."""
    st.header("What the network looked at", anchor="looked-at")
    chosen = st.pills(
        "Class to explain; the answer, unless you choose another",
        model.labels,
        key="explained",
        persist_state="session",
    )
    target = chosen or label
    token = f"{shown()['number']} {target}"
    known = recorded_reasons.key(view, target) in recorded()
    asked = REASONS not in st.session_state or st.session_state.get(SEEN) == token
    if wanted := loading or known or asked:
        if not loading and not known:
            time.sleep(HEAD_START)
        st.session_state[REASONS] = (target, *reasons(loaded_models.key(model), view, target))
    in_view.show("view-reasons", token, wanted, on_seen)
    target, images, bar, nothing = st.session_state[REASONS]
    gallery.show("reasons", images, columns=3, few=3, stacked=True)
    st.markdown(
        f"**Grad-CAM** weighs the last maps by how much they raise the logit of **{target}**; they "
        f"have few places, so its image is coarse.{nothing} **Occlusion** covers each part with "
        f"the mean colour: where it is violet, that makes the network less sure of **{target}**; "
        "where it is amber, more sure."
    )
    st.html(bar)


on_link()
st.session_state[LOADING] = True
playground()
calibration.show(model)
confident_errors.show(model, take, "stage")
training_section.show(model)
