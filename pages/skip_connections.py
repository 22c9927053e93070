"""Skip connections: all of a U-Net's are cut; put them back one by one, and see what for."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import zoo
from pages.common import charts, entry_guard, loaded_models, number_format
from pages.components import upload
from pages.components.drop_zone import drop_zone
from pages.components.link import link
from pages.components.thumbnails import thumbnails
from pages.images import encoding, shared_images
from pages.sections.feature_maps import trace_cache
from pages.sections.segmentation import skip_ablation_view as ablation
from pages.sections.segmentation import skip_training
from zoo.samples import Sample, samples

entry_guard.ensure("pages/skip_connections.py")
model = loaded_models.segmenter("carvana")

START = "red-coupe-gravel"  # without skips its mask is neither gone nor whole
FILLS = {"zero": "Zeros", "mean": "Map's mean"}
OWN = "own"  # id of the visitor's own photo


st.title("Skip connections", anchor=False)
st.markdown(
    "On the way down a U-Net learns what is there and forgets where exactly. A skip connection "
    "hands the detail of the way down to the way up, at the same size. Here all are cut: "
    "**put them back one by one**."
)


# --- What is looked at. Plain session state, so that it outlives a visit to another page. ---


def shown() -> dict[str, Any]:
    """Return the photo, as the network sees it, and which connections are in place (numbers)."""
    if "skips" not in st.session_state:
        st.session_state["skips"] = {"kept": [], "fill": "zero", "tried": {}}
        put_sample(START)
    return st.session_state["skips"]


def choices() -> list[Sample]:
    """Return the sample photos, the clean ones first."""
    return sorted(samples("cars"), key=lambda sample: sample.group == "hard")


def put(contents: Any, sample: str) -> None:
    """Look at another photo; one that cannot be used leaves the old."""
    now = st.session_state["skips"]
    now.pop("problem", None)
    try:
        view = model.model_input_image(contents)
    except Exception as error:
        now["problem"] = upload.problem(error)
        return
    now |= {"view": view, "id": sample, "tried": {}}
    if sample == OWN:
        now["own"] = view


def put_sample(sample_id: str) -> None:
    """Look at a sample; an id that does not exist changes nothing."""
    for sample in choices():
        if sample.id == sample_id:
            put(sample.read(), sample.id)


def on_pick() -> None:
    """Take the photo that was clicked."""
    if chosen := thumbnails.picked("skip-samples"):
        put_sample(chosen)


def on_photo(_name: str, contents: bytes) -> None:
    """Take a photo of the visitor's own."""
    put(contents, OWN)


def on_back() -> None:
    """Look at the visitor's own photo again."""
    if "own" in shown():
        shown().update(view=shown()["own"], id=OWN, tried={})


def on_link() -> None:
    """Take what a visitor's link names: the photo, and which connections are in place."""
    came = link.arrived(sample=str, kept=_numbers, fill=link.one_of(FILLS))
    if "sample" in came:
        shown()
        put_sample(came["sample"])
    shown().update({name: came[name] for name in ("kept", "fill") if name in came})


def _numbers(text: str) -> list[int]:
    return sorted({int(number) for number in text.split(".")})


def hold_in_link() -> None:
    """Put into the address what `on_link` reads."""
    now = shown()
    kept = ".".join(map(str, now["kept"])) or None
    fill = None if now["fill"] == "zero" else now["fill"]
    usual = now["id"] == OWN or (now["id"] == START and not kept and not fill)
    link.show(sample=None if usual else now["id"], kept=kept, fill=fill)


# --- The parts of the page. ---


@st.cache_data(show_spinner=False)
def thumbnail_items() -> dict[str, list[thumbnails.Item]]:
    """Return the sample photos as small images to click, by group."""
    groups: dict[str, list[thumbnails.Item]] = {"Try one": [], "Hard ones": []}
    for sample in choices():
        small = encoding.jpeg(zoo.open_image(sample.path), side=240)
        image = shared_images.address(small, "jpeg")
        item = thumbnails.Item(sample.id, image, sample.description)
        groups["Hard ones" if sample.group == "hard" else "Try one"].append(item)
    return groups


def show_choices() -> None:
    """Draw the sample photos and the upload."""
    now = shown()
    left, right = st.columns([8, 5], gap="medium")
    with left:
        thumbnails.show(
            "skip-samples", thumbnail_items(), now["id"], on_pick, wide=True, beside=True
        )
    with right:
        drop_zone.show(
            "skip-photo",
            title="Your photo of a car",
            on_file=on_photo,
            yours=encoding.data_url(encoding.png(now["own"])) if "own" in now else None,
            chosen=now["id"] == OWN,
            on_back=on_back,
            result="skip-stage",
        )
    if why := now.get("problem"):
        st.warning(f"{why} The photo before it stays.", icon=":material/image_not_supported:")


@st.fragment
def playground() -> None:
    """Draw all that depends on photo and cuts: whatever somebody does here reruns this alone."""
    show_choices()
    now = shown()
    run = trace_cache.run(model, trace_cache.small(model, now["view"]))
    found = ablation.skips(run)
    if not found:
        st.info("This network has no skip connections.")
        return
    titles = [ablation.title(run, skip) for skip in found]
    kept = show_switches(titles)
    hold_in_link()
    view: np.ndarray = now["view"]
    cut = tuple(skip.joins for number, skip in enumerate(found) if number not in kept)
    change = ablation.change(loaded_models.key(model), model, view, cut, now["fill"])
    now["tried"][(tuple(kept), now["fill"])] = change.iou
    with st.container(key="skip-stage"):
        ablation.show_masks(change, view, len(kept), len(found))
    show_tried(titles, change.iou, len(found))
    st.header("What one of them carries", anchor="carries")
    show_one(run, found, titles)


def show_switches(titles: list[str]) -> list[int]:
    """Draw the switches; return the numbers of the connections that are in place."""
    now = shown()
    now["kept"] = [number for number in now["kept"] if number < len(titles)]
    st.session_state.setdefault("skip-kept", now["kept"])  # Streamlit forgets it elsewhere
    st.session_state.setdefault("skip-fill", now["fill"])
    left, right = st.columns([8, 5], gap="medium", vertical_alignment="bottom")
    kept = left.pills(
        "Connections in place, by the size of their maps",
        range(len(titles)),
        selection_mode="multi",
        format_func=titles.__getitem__,
        key="skip-kept",
    )
    fill = right.segmented_control(
        "Instead of a cut one",
        list(FILLS),
        required=True,
        key="skip-fill",
        format_func=FILLS.__getitem__,
    )
    now.update(kept=sorted(kept), fill=fill)
    return now["kept"]


def show_tried(titles: list[str], iou: float, count: int) -> None:
    """Draw how far the mask is from the one with all connections, and what was tried before."""
    now = shown()
    left, right = st.columns([6, 8], gap="medium")
    left.metric(
        "IoU with the full mask",
        number_format.percent(iou),
        help="Intersection over union of this mask and the one with all connections",
    )
    tried = sorted(now["tried"].items(), key=lambda entry: entry[1])
    names = [_name(titles, kept, fill, count) for (kept, fill), _ in tried]
    with right:
        st.markdown("**What you have tried on this photo**")
        charts.show(
            charts.bars(names, [value for _, value in tried]),
            "skip-tried",
            "; ".join(
                f"{name}: {100 * v:.1f} %" for name, (_, v) in zip(names, tried, strict=True)
            ),
        )


def _name(titles: list[str], kept: tuple[int, ...], fill: str, count: int) -> str:
    """Say which connections are in place: "none", "96 × 128", "all"."""
    names = {0: "none", count: "all"}.get(len(kept), ", ".join(titles[number] for number in kept))
    return names if fill == "zero" or len(kept) == count else f"{names}; mean"


def show_one(run: zoo.explain.Trace, found: list[zoo.explain.Skip], titles: list[str]) -> None:
    """Draw what one connection hands over, beside what comes from below."""
    number = st.segmented_control(
        "Connection, by the size of its maps",
        range(len(titles)),
        default=0,
        format_func=titles.__getitem__,
        required=True,
        key="skip-chosen",
    )
    ablation.show_sides(run, found[number])


on_link()
playground()
skip_training.show()
