"""Cars: upload a photo, and get its car without the background."""

from __future__ import annotations

from typing import Any

import streamlit as st
from PIL import Image, ImageColor

import zoo
from pages.common import entry_guard, loaded_models, number_format
from pages.components import upload
from pages.components.mask_viewer import mask_viewer
from pages.components.thumbnails import thumbnails
from pages.images import checkerboard, encoding
from pages.sections import training_history as training_section
from pages.sections.segmentation import (
    mask_comparison,
    photo_batch,
    segmentation_record,
    segmented_photo,
)
from pages.sections.segmentation.segmented_photo import Scene
from zoo.samples import Sample, samples
from zoo.segmentation import cutouts, file_names, masks

entry_guard.ensure("pages/cars.py")
model = loaded_models.segmenter("carvana")

USUAL = round(100 * model.config["threshold"])  # percent
JPEG_QUALITY = 92


st.title("Cars", anchor=False)
st.markdown(
    f"A photo goes in, its car comes out. A U-Net with "
    f"{number_format.count(zoo.info(model.name).parameters)} parameters answers for every pixel."
)


# --- What is on the stage. Plain session state, so that it outlives a visit to another page. ---


def shown() -> dict[str, Any]:
    """Return what is on the stage: a photo, and the threshold in percent."""
    if "cars" not in st.session_state:
        put_sample(choices()[0].id)
    return st.session_state["cars"]


def put(name: str, **contents: Any) -> None:
    """Put a photo on the stage. The number tells the stage that it is new."""
    number = st.session_state.get("cars", {}).get("number", 0) + 1
    st.session_state["cars"] = {"name": name, "number": number, "threshold": USUAL} | contents


def choices() -> list[Sample]:
    """Return the sample photos: cars, and at last one without a car."""
    return [*samples("cars"), *[s for s in samples("objects") if s.group == "none"][-1:]]


def put_sample(sample_id: str) -> None:
    """Put a sample photo on the stage; an id that does not exist changes nothing."""
    for sample in choices():
        if sample.id == sample_id:
            put(sample.path.name, id=sample_id, credit=sample.credit, about=sample.description)


def on_pick() -> None:
    """Take the sample that was clicked."""
    if chosen := thumbnails.picked("samples"):
        put_sample(chosen)


def on_photo(key: str) -> None:
    """Take the photo that was uploaded or taken; the one on the stage stays until it is read."""
    if file := st.session_state[key]:
        shown()["next"] = {"name": file.name, "encoded": file.getvalue()}


def on_threshold() -> None:
    """Take the threshold that the slider came to rest at; the network is not asked again."""
    if (percent := mask_viewer.chosen("stage", token())) is not None:
        shown()["threshold"] = percent


@st.cache_resource(show_spinner=False, max_entries=64)
def sample_scene(weights: str, sample_id: str) -> Scene:
    """Look at a sample photo, once for all visitors.

    Args:
        weights: SHA-256 of the weights: other weights, other answers.
        sample_id: One of the samples.
    """
    sample = next(sample for sample in choices() if sample.id == sample_id)
    return segmented_photo.look(model, sample.read(), sample.path.name)


def current() -> Scene:
    """Return the photo on the stage, looked at; a new one that cannot be used leaves the old."""
    if new := shown().pop("next", None):
        with st.spinner("Looking at the photo …"):
            try:
                put(new["name"], scene=segmented_photo.look(model, new["encoded"], new["name"]))
            except Exception as error:
                shown()["problem"] = upload.problem(error)
    now = shown()
    if why := now.get("problem"):
        st.error(f"{why} The photo before it stays.", icon=":material/image_not_supported:")
    if "id" in now:
        return sample_scene(zoo.info(model.name).sha256, now["id"])
    found: Scene = now["scene"]
    return found


def token() -> str:
    """Tell what is on the stage from what was: the photo, and whether all pieces are there."""
    now = shown()
    return f"{now['number']}{'-largest' if now.get('largest') else ''}"


def wanted(seen: Scene) -> Scene:
    """Return the scene with all pieces of what was found, or with the largest alone."""
    now = shown()
    if not now.get("largest"):
        return seen
    if "piece" not in now:
        now["piece"] = seen.largest_component()
    return now["piece"]


def on_largest() -> None:
    """Take the choice between all pieces and the largest; what was made of the other is void."""
    now = shown()
    now["largest"] = bool(st.session_state[f"largest-{now['number']}"])
    now.pop("full", None)


# --- The parts of the page. ---


@st.fragment
def playground() -> None:
    """Draw all that depends on the photo: whatever somebody does here reruns this alone."""
    left, right = st.columns(mask_viewer.SIDES, gap="medium")
    with left:
        whole = current()
        seen = wanted(whole)
        show_stage(seen)
    with right:
        show_answer(seen)
        show_components(whole)
        show_choices()
    if seen.found(threshold()):
        show_cut_out(seen)
    show_truth(seen)


def threshold() -> float:
    """Return the threshold in use, a probability; the model's own to its last digit."""
    percent = shown()["threshold"]
    return model.config["threshold"] if percent == USUAL else percent / 100


def show_stage(seen: Scene) -> None:
    """Draw the photo under what the network says."""
    now = shown()
    mask_viewer.show(
        "stage",
        token=token(),
        photo=seen.photo,
        probabilities=seen.probabilities,
        threshold=now["threshold"],
        usual=USUAL,
        description=now.get("about", f"Your photo {now['name']}"),
        on_change=on_threshold,
    )
    if credit := now.get("credit"):
        st.caption(credit)


def show_answer(seen: Scene) -> None:
    """Draw how much of the photo is car, how sure that is and how long it took."""
    area = seen.area(threshold())
    if not seen.found(threshold()):
        st.info(
            f"**No car found**: at a threshold of {round(100 * threshold())}{number_format.NBSP}%, "
            f"{number_format.percent(area)} of the image is car, too little to be one.",
            icon=":material/search_off:",
        )
    low, high = (number_format.percent(edge, 0) for edge in masks.UNCERTAIN)
    with st.container(horizontal=True, gap="small"):
        st.metric("Car area", number_format.percent(area), help="Share of the image's pixels")
        st.metric(
            "Uncertain",
            number_format.percent(seen.uncertain()),
            help="Share of the pixels that are neither clearly car nor clearly not: "
            f"between {low} and {high} sure",
        )
        st.metric(
            "Time", number_format.duration(seen.result.seconds), help="From the photo to the mask"
        )
    height, width = seen.result.low_res_probabilities.shape
    st.caption(
        f"Photo {seen.size[0]} × {seen.size[1]}, looked at in {width} × {height} by PyTorch on "
        f"the {model.device.upper()}. Moving the threshold does not run the network again."
    )


def show_components(whole: Scene) -> None:
    """Offer the largest piece alone, if what was found has several."""
    number = whole.result.components
    if number > 1:
        st.toggle(
            f"Only the largest of {number} pieces",
            value=bool(shown().get("largest")),
            key=f"largest-{shown()['number']}",
            on_change=on_largest,
            help="Leaves out other cars, and bits that the network took for one. The numbers and "
            "the downloads follow.",
        )


@st.cache_data(show_spinner=False)
def thumbnail_items() -> list[thumbnails.Item]:
    """Return the sample photos as small images to click."""
    return [
        thumbnails.Item(
            id=sample.id,
            image=encoding.data_url(encoding.jpeg(zoo.open_image(sample.path), side=240), "jpeg"),
            description=sample.description,
        )
        for sample in choices()
    ]


def show_choices() -> None:
    """Draw the sample photos, the upload and the camera."""
    thumbnails.show(
        "samples", {"Try one": thumbnail_items()}, shown().get("id"), on_pick, wide=True
    )
    st.caption("Or a photo of your own. It stays in the server's memory and is never saved.")
    with st.container(horizontal=True):
        upload.upload("Upload a photo", "A photo of a car", "photo", on_photo)
        upload.camera("Take a photo", "A photo of a car", "camera", on_photo)


def show_cut_out(seen: Scene) -> None:
    """Draw the car without its background, and what can be downloaded."""
    st.header("Cut it out", anchor="cut-out")
    left, right = st.columns(mask_viewer.SIDES, gap="medium")
    with right:
        background = choose_background()
    cut = cutouts.cut_out(seen.shown, cutouts.opacity(seen.result.probabilities, threshold()))
    try:
        small = onto(cut, background)
    except zoo.ImageError as error:
        right.error(str(error), icon=":material/image_not_supported:")
        small, background = cut, None
    left.image(checkerboard.draw(small) if small.mode == "RGBA" else small, width="stretch")
    with right:
        show_downloads(seen, background)


def choose_background() -> str | bytes | None:
    """Let the visitor choose: None for none, a colour as #rrggbb, or an image's file."""
    kind = st.segmented_control(
        "Background", ["Transparent", "Colour", "Image"], default="Transparent", key="background"
    )
    if kind == "Colour":
        return st.color_picker("Colour", "#5b5bd6", key="colour")
    if kind == "Image":
        file = st.file_uploader("Another image", key="backdrop")
        return file.getvalue() if file else None
    return None


def onto(cut: Image.Image, background: str | bytes | None) -> Image.Image:
    """Return a cut-out car on a background; RGBA if there is none."""
    if background is None:
        return cut
    if isinstance(background, str):
        red, green, blue = ImageColor.getrgb(background)[:3]
        return cutouts.on_colour(cut, (red, green, blue))
    return cutouts.on_image(cut, background)


def show_downloads(seen: Scene, background: str | bytes | None) -> None:
    """Draw the buttons; each file is made, at the photo's own size, when somebody wants it."""
    at, stem = threshold(), file_names.stem(seen.name)
    width, height = seen.size

    def mask() -> bytes:  # runs in a thread of its own, without the session
        return masks.png(seen.full().mask_at(at))

    def image_file() -> bytes:
        alpha = cutouts.opacity(seen.full().probabilities, at)  # and then the photo: memory
        whole = onto(cutouts.cut_out(seen.original(), alpha), background)
        if background is None or max(whole.size) > encoding.JPEG_SIDE:
            return cutouts.png(whole)
        return encoding.jpeg(whole, side=max(whole.size), quality=JPEG_QUALITY)

    label, name, kind = ("Cut-out, PNG with transparency", f"{stem}_cutout.png", "image/png")
    if background is not None and max(seen.size) > encoding.JPEG_SIDE:
        label, name, kind = ("Image, PNG", f"{stem}_background.png", "image/png")
    elif background is not None:
        label, name, kind = ("Image, JPEG", f"{stem}_background.jpg", "image/jpeg")
    st.download_button(
        label,
        image_file,
        name,
        kind,
        icon=":material/download:",
        on_click="ignore",
        key="download-image",
        type="primary",
    )
    st.download_button(
        "Mask, PNG",
        mask,
        masks.file_name(seen.name),
        "image/png",
        icon=":material/download:",
        on_click="ignore",
        key="download-mask",
    )
    st.caption(
        f"At the photo's own size, {width} × {height}, and at the threshold above. "
        "In the mask, white is car."
    )


def show_truth(seen: Scene) -> None:
    """Let the visitor measure the mask against a true one."""
    with st.expander("Compare with a true mask", icon=":material/rule:"):
        file = st.file_uploader(
            "The true mask: an image of the photo's size, white (or opaque) where the car is",
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
        full = now.get("full") or seen.full()
        if not seen.is_large():  # kept while somebody compares: it takes a second
            now["full"] = full
        mask_comparison.show(seen.shown, full.mask_at(threshold()), true)


playground()
photo_batch.show(model)
segmentation_record.show(model)
training_section.show(model)
