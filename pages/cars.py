"""Cars: upload a photo, and get its car without the background."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

import zoo
from pages.common import entry_guard, loaded_models, number_format
from pages.components import upload
from pages.components.drop_zone import drop_zone
from pages.components.link import link
from pages.components.mask_viewer import mask_viewer
from pages.components.mask_viewer.mask_viewer import Choice
from pages.components.thumbnails import thumbnails
from pages.images import encoding, shared_images
from pages.sections import training_history as training_section
from pages.sections.segmentation import (
    cut_out,
    mask_comparison,
    model_comparison,
    network_choice,
    photo_batch,
    segmentation_record,
    segmented_photo,
)
from pages.sections.segmentation.segmented_photo import Scene
from zoo.samples import Sample, samples
from zoo.segmentation import mask_edits, masks

entry_guard.ensure("pages/cars.py")
SHIPPED = "carvana"
NETWORK = network_choice.chosen(SHIPPED)
GROUPS = {"typical": "Try one", "hard": "Hard ones", "none": "Hard ones"}

st.title("Cars", anchor=False)
network_choice.show(SHIPPED)  # before the network is loaded: one that cannot be is exchanged here
model = loaded_models.segmenter(NETWORK)
USUAL = round(100 * model.config["threshold"])  # percent
LABEL = model.labels[0]
KIND = "U-Net" if model.config["architecture"] == "unet" else "network"

st.markdown(
    f"A photo goes in, its {LABEL} comes out. A {KIND} with "
    f"{number_format.count(zoo.info(model.name).parameters)} parameters answers for every pixel."
)


# --- What is on the stage. Plain session state, so that it outlives a visit to another page. ---


def shown() -> dict[str, Any]:
    """Return what is on the stage: a photo, and what the visitor chose for it."""
    if "cars" not in st.session_state:
        put_sample(choices()[0].id)
    return st.session_state["cars"]


def put(name: str, **contents: Any) -> None:
    """Put a photo on the stage. The number tells the stage that it is new."""
    number = st.session_state.get("cars", {}).get("number", 0) + 1
    before = st.session_state.get("cars", {})
    view = before["choice"].view if before else mask_viewer.VIEWS[0]
    st.session_state["cars"] = {
        "name": name,
        "number": number,
        "choice": Choice(USUAL, view, []),
        "own": before.get("own"),
        "network": model.name,
    } | contents


def choices() -> list[Sample]:
    """Return the sample photos: the clean ones, the hard ones, and at last one without a car."""
    found = sorted(samples("cars"), key=lambda sample: sample.group == "hard")
    return [*found, *[s for s in samples("objects") if s.group == "none"][-1:]]


def put_sample(sample_id: str) -> None:
    """Put a sample photo on the stage; an id that does not exist changes nothing."""
    for sample in choices():
        if sample.id == sample_id:
            put(sample.path.name, id=sample_id, credit=sample.credit, about=sample.description)


def on_pick() -> None:
    """Take the sample that was clicked."""
    if chosen := thumbnails.picked("samples"):
        put_sample(chosen)


def on_photo(name: str, contents: bytes) -> None:
    """Take a photo of the visitor's own; the one on the stage stays until it is read."""
    shown()["next"] = {"name": name, "encoded": contents}


def on_camera(key: str) -> None:
    """Take what the camera took."""
    if file := st.session_state[key]:
        on_photo(file.name, file.getvalue())


def on_back() -> None:
    """Put the visitor's own photo back, which stays at hand while they look at others."""
    if own := shown()["own"]:
        put(own.name, scene=own)


def on_choice() -> None:
    """Take threshold, view and changes that the stage sent; the network is not asked again."""
    if choice := mask_viewer.chosen("stage", token()):
        shown()["choice"] = choice


@st.cache_resource(show_spinner=False, max_entries=64)
def sample_scene(weights: str, sample_id: str) -> Scene:
    """Look at a sample photo, once for all visitors.

    Args:
        weights: SHA-256 of the weights: other weights, other answers.
        sample_id: One of the samples.
    """
    sample = next(sample for sample in choices() if sample.id == sample_id)
    return segmented_photo.look(model, sample.read(), sample.path.name, shared=True)


def current() -> Scene:
    """Return the photo on the stage, looked at; a new one that cannot be used leaves the old."""
    if new := shown().pop("next", None):
        with st.spinner("Looking at the photo …"):
            try:
                scene = segmented_photo.look(model, new["encoded"], new["name"])
                put(new["name"], scene=scene, own=scene)
            except Exception as error:
                shown()["problem"] = upload.problem(error)
    now = shown()
    if why := now.get("problem"):
        st.error(f"{why} The photo before it stays.", icon=":material/image_not_supported:")
    if "id" in now:
        return sample_scene(zoo.info(model.name).sha256, now["id"])
    found: Scene = now["scene"]
    if found.network != model.name:
        found = now["scene"] = now["own"] = segmented_photo.look(model, found.encoded, found.name)
    return found


def token() -> str:
    """Tell what is on the stage from what was: the photo, and whether all of the mask is there."""
    now = shown()
    return f"{now['number']}{'-largest' if now.get('largest') else ''}"


def wanted(whole: Scene) -> Scene:
    """Return the scene with all components of what was found, or with the largest alone."""
    now = shown()
    if not now.get("largest"):
        return whole
    if "piece" not in now:
        now["piece"] = whole.largest_component()
    return now["piece"]


def changed(seen: Scene) -> Scene:
    """Return the scene with the visitor's changes of the mask."""
    return seen.edited(mask_edits.read(shown()["choice"].edits) or ())


def on_largest() -> None:
    """Take the choice of all components or the largest; what was made of the other is void."""
    now = shown()
    now["largest"] = bool(st.session_state[f"largest-{now['number']}"])
    now.pop("full", None)


def take_over() -> None:
    """Where another network is chosen, begin with its threshold; nothing is kept of the old one."""
    now = shown()
    if now["network"] != model.name:
        for key in ("piece", "full", "largest"):
            now.pop(key, None)
        choice = Choice(USUAL, now["choice"].view, [])
        now |= {"network": model.name, "choice": choice, "number": now["number"] + 1}


def on_link() -> None:
    """Take what a visitor's link names: sample, threshold, view, background."""
    came = link.arrived(
        sample=link.one_of([sample.id for sample in choices()]),
        threshold=link.whole(1, 99),
        view=link.one_of(mask_viewer.VIEWS),
        largest=link.one_of(["1"]),
    )
    cut_out.on_link()
    if "sample" in came:
        put_sample(came["sample"])
    if came:
        now = shown()
        now["choice"] = replace(
            now["choice"],
            percent=came.get("threshold", USUAL),
            view=came.get("view", now["choice"].view),
        )
        now["largest"] = "largest" in came
        now["number"] += 1  # the stage has to take it over


def hold_in_link() -> None:
    """Put into the address what `on_link` reads; a visitor's own photo stays out of it."""
    now, choice = shown(), shown()["choice"]
    named: dict[str, str | float | None] = {
        "threshold": None if choice.percent == USUAL else choice.percent,
        "view": None if choice.view == mask_viewer.VIEWS[0] else choice.view,
        "largest": True if now.get("largest") else None,
        **cut_out.for_link(),
    }
    sample = now.get("id")
    usual = sample == choices()[0].id and not any(named.values())
    link.show(sample=None if usual else sample, **(named if sample else dict.fromkeys(named)))


# --- The parts of the page. ---


@st.fragment
def playground() -> None:
    """Draw all that depends on the photo: whatever somebody does here reruns this alone."""
    whole = current()
    show_choices()
    left, right = st.columns(mask_viewer.SIDES, gap="medium")
    with left, st.container(key="car-stage"):
        seen = wanted(whole)
        show_stage(seen)
    with right:
        answer = changed(seen)
        show_answer(answer)
        show_components(whole)
        cut_out.choose(LABEL)
        if answer.found(threshold()):
            cut_out.show_downloads(answer, threshold())
    hold_in_link()
    show_truth(answer)
    model_comparison.show(model, whole, str(shown()["number"]))


def threshold() -> float:
    """Return the threshold in use, a probability; the model's own to its last digit."""
    percent = shown()["choice"].percent
    return model.config["threshold"] if percent == USUAL else percent / 100


def show_choices() -> None:
    """Draw the sample photos, the upload and the camera."""
    left, right = st.columns(mask_viewer.SIDES, gap="medium")
    now = shown()
    own: Scene | None = now["own"]
    with left:
        thumbnails.show(
            "samples", thumbnail_items(), now.get("id"), on_pick, wide=True, beside=True
        )
    with right:
        drop_zone.show(
            "photo",
            title="Your photo of a car" if LABEL == "car" else "Your photo",
            on_file=on_photo,
            yours=thumbnail_of(own) if own else None,
            chosen="scene" in now,
            on_back=on_back,
            result="car-stage",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            upload.camera("Take a photo", "A photo of a car", "camera", on_camera)
            st.caption("It is not stored.")


def thumbnail_of(scene: Scene) -> str:
    """Return the address of a small copy of a photo."""
    return encoding.data_url(encoding.jpeg(scene.shown, side=96), "jpeg")


@st.cache_data(show_spinner=False)
def thumbnail_items() -> dict[str, list[thumbnails.Item]]:
    """Return the sample photos as small images to click, by group."""
    groups: dict[str, list[thumbnails.Item]] = {}
    for sample in choices():
        small = encoding.jpeg(zoo.open_image(sample.path), side=240)
        image = shared_images.address(small, "jpeg")
        item = thumbnails.Item(sample.id, image, sample.description)
        groups.setdefault(GROUPS.get(sample.group, GROUPS["typical"]), []).append(item)
    return groups


def show_stage(seen: Scene) -> None:
    """Draw the photo under what the network says."""
    now, wanted_look = shown(), cut_out.look()
    mask_viewer.show(
        "stage",
        token=token(),
        photo=seen.photo,
        probabilities=seen.probabilities,
        size=seen.size,
        choice=now["choice"],
        usual=USUAL,
        description=now.get("about", f"Your photo {now['name']}"),
        label=LABEL,
        background=wanted_look.behind,
        trim=wanted_look.trim,
        on_change=on_choice,
    )
    st.caption(now.get("credit", "Your photo"))


def show_answer(seen: Scene) -> None:
    """Draw how much of the photo is car, how sure that is and how long it took."""
    area = seen.area(threshold())
    low, high = (number_format.percent(edge, 0) for edge in masks.UNCERTAIN)
    with st.container(horizontal=True, gap="small"):
        st.metric(
            f"{LABEL.capitalize()} area",
            number_format.percent(area),
            help="Share of the photo's pixels",
        )
        st.metric(
            "Uncertain",
            number_format.percent(seen.uncertain()),
            help=f"Share of the pixels that are neither clearly {LABEL} nor clearly not: "
            f"between {low} and {high} sure",
        )
        st.metric(
            "Time", number_format.duration(seen.result.seconds), help="From the photo to the mask"
        )
    height, width = seen.result.low_res_probabilities.shape
    st.caption(
        f"Photo {seen.size[0]} × {seen.size[1]}, looked at in {width} × {height} by PyTorch on "
        f"the {model.device.upper()}."
    )
    if not seen.found(threshold()):
        st.info(
            f"**No {LABEL} found**: at a threshold of {round(100 * threshold())}"
            f"{number_format.NBSP}%, "
            f"{number_format.percent(area)} of the photo is {LABEL}, too little to be one.",
            icon=":material/search_off:",
        )


def show_components(whole: Scene) -> None:
    """Offer the largest component alone; of one, nothing is to be chosen."""
    number = whole.result.components
    st.toggle(
        f"Largest of {number} components" if number > 1 else "Largest component",
        value=bool(shown().get("largest")),
        key=f"largest-{shown()['number']}",
        on_change=on_largest,
        disabled=number < 2,
        help="Only the largest connected component of the mask: leaves out other cars, and specks "
        "that the network took for one. For anything else, draw a box around your car, or erase "
        "with the brush. The numbers and the downloads follow.",
    )


def show_truth(seen: Scene) -> None:
    """Let the visitor measure the mask against a true one."""
    with st.expander("Compare with a true mask", icon=":material/rule:"):
        file = st.file_uploader(
            f"The true mask: an image of the photo's size, white (or opaque) where the {LABEL} is",
            key=f"truth-{shown()['number']}",
        )
        if file is None:
            return
        try:
            true = masks.read(file.getvalue(), seen.size)
        except zoo.ImageError as error:
            st.error(str(error), icon=":material/image_not_supported:")
            return
        now = shown()
        full = now["full"][1] if now.get("full", [None])[0] == seen.edits else seen.full()
        if not seen.is_large():  # kept while somebody compares: it takes a second
            now["full"] = (seen.edits, full)
        mask_comparison.show(seen.shown, full.mask_at(threshold()), true, LABEL)


on_link()
take_over()
playground()
photo_batch.show(model)
segmentation_record.show(model)
if "test" in model.record.get("metrics", {}):
    training_section.show(model)
