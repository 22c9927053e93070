"""Cars: upload a photo, and get its car without the background."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import entry_guard, loaded_models, number_format
from pages.components import upload
from pages.components.drop_zone import drop_zone
from pages.components.mask_viewer import mask_viewer
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
)
from pages.sections.segmentation.car_stage import CarStage, choices
from pages.sections.segmentation.segmented_photo import Scene
from zoo.segmentation import masks

entry_guard.ensure("pages/cars.py")
SHIPPED = "carvana"
NETWORK = network_choice.chosen(SHIPPED)
GROUPS = {"typical": "Try one", "hard": "Hard ones", "none": "Hard ones"}

st.title("Cars", anchor=False)
network_choice.show(SHIPPED)  # before the network is loaded: one that cannot be is exchanged here
model = loaded_models.segmenter(NETWORK)
stage = CarStage(model)
LABEL = model.labels[0]
KIND = "U-Net" if model.config["architecture"] == "unet" else "network"

st.markdown(
    f"A photo goes in, its {LABEL} comes out. A {KIND} with "
    f"{number_format.count(zoo.info(model.name).parameters)} parameters answers for every pixel."
)


@st.fragment
def playground() -> None:
    """Draw all that depends on the photo: whatever somebody does here reruns this alone."""
    whole = stage.current()
    show_choices()
    left, right = st.columns(mask_viewer.SIDES, gap="medium")
    with left, st.container(key="car-stage"):
        seen = stage.wanted(whole)
        show_stage(seen)
    with right:
        answer = stage.changed(seen)
        show_answer(answer)
        show_components(whole)
        cut_out.choose(LABEL)
        if answer.found(stage.threshold()):
            cut_out.show_downloads(answer, stage.threshold())
    stage.hold_in_link()
    show_truth(answer)
    model_comparison.show(model, whole, str(stage.shown()["number"]))


def show_choices() -> None:
    """Draw the sample photos, the upload and the camera."""
    left, right = st.columns(mask_viewer.SIDES, gap="medium")
    now = stage.shown()
    own: Scene | None = now["own"]
    with left:
        thumbnails.show(
            "samples", thumbnail_items(), now.get("id"), stage.on_pick, wide=True, beside=True
        )
    with right:
        drop_zone.show(
            "photo",
            title="Your photo of a car" if LABEL == "car" else "Your photo",
            on_file=stage.on_photo,
            yours=thumbnail_of(own) if own else None,
            chosen="scene" in now,
            on_back=stage.on_back,
            result="car-stage",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            upload.camera("Take a photo", "A photo of a car", "camera", stage.on_camera)
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
    now, wanted_look = stage.shown(), cut_out.look()
    mask_viewer.show(
        "stage",
        token=stage.token(),
        photo=seen.photo,
        probabilities=seen.probabilities,
        size=seen.size,
        choice=now["choice"],
        usual=stage.usual,
        description=now.get("about", f"Your photo {now['name']}"),
        label=LABEL,
        background=wanted_look.behind,
        trim=wanted_look.trim,
        on_change=stage.on_choice,
    )
    st.caption(now.get("credit", "Your photo"))


def show_answer(seen: Scene) -> None:
    """Draw how much of the photo is car, how sure that is and how long it took."""
    area = seen.area(stage.threshold())
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
    if not seen.found(stage.threshold()):
        st.info(f"**No {LABEL} found**: {why_not(seen, area)}", icon=":material/search_off:")


def why_not(seen: Scene, area: float) -> str:
    """Say why what is marked is no car."""
    result = seen.result
    if area >= result.min_area:
        return (
            f"the network is only {number_format.percent(result.confidence)} sure of what it "
            f"marks, and of a {LABEL} at least {number_format.percent(result.min_confidence)}. Is "
            "it one? Keep it with a box, or add to it with the brush."
        )
    return (
        f"at a threshold of {round(100 * stage.threshold())}{number_format.NBSP}%, "
        f"{number_format.percent(area)} of the photo is {LABEL}, too little to be one."
    )


def show_components(whole: Scene) -> None:
    """Offer the largest component alone; of one, nothing is to be chosen."""
    number = whole.result.components
    st.toggle(
        f"Largest of {number} components" if number > 1 else "Largest component",
        value=bool(stage.shown().get("largest")),
        key=f"largest-{stage.shown()['number']}",
        on_change=stage.on_largest,
        disabled=number < 2,
        help="Only the largest connected component of the mask: leaves out other cars, and specks "
        "that the network took for one. For anything else, draw a box around your car, or erase "
        "with the brush. The numbers and the downloads follow.",
    )


def show_truth(seen: Scene) -> None:
    """Let the visitor measure the mask against a true one."""
    with st.expander("Compare with a true mask"):
        file = st.file_uploader(
            f"The true mask: an image of the photo's size, white (or opaque) where the {LABEL} is",
            key=f"truth-{stage.shown()['number']}",
        )
        if file is None:
            return
        try:
            true = masks.read(file.getvalue(), seen.size)
        except zoo.ImageError as error:
            st.error(str(error), icon=":material/image_not_supported:")
            return
        now = stage.shown()
        full = now["full"][1] if now.get("full", [None])[0] == seen.edits else seen.full()
        if not seen.is_large():  # kept while somebody compares: it takes a second
            now["full"] = (seen.edits, full)
        mask_comparison.show(seen.shown, full.mask_at(stage.threshold()), true, LABEL)


stage.on_link()
stage.take_over()
playground()
photo_batch.show(model)
segmentation_record.show(model)
if "test" in model.record.get("metrics", {}):
    training_section.show(model)
