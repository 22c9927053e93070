"""Two segmentation networks on one photo: both masks, where they differ, and the time of each."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image

import zoo
from pages.common import loaded_models, number_format
from pages.images import error_map
from pages.sections.segmentation import network_choice
from pages.sections.segmentation.segmented_photo import Scene
from zoo.segmentation import masks

RUNS = 3  # timed runs of each network, in turns


@dataclass(frozen=True, eq=False)
class Compared:
    """What two networks said about one photo.

    Attributes:
        masks: bool (H, W) by name, each at its network's own threshold.
        seconds: the median time by name, from the photo to the mask.
    """

    masks: Mapping[str, masks.Mask]
    seconds: Mapping[str, float]


def show(model: zoo.Segmenter, seen: Scene, key: str) -> None:
    """Draw the part, folded; nothing where there is no second network.

    Args:
        model: the page's network.
        seen: the photo.
        key: another one for each photo.
    """
    there = zoo.list_models("segmentation")
    if len(there) < 2:
        return
    with st.expander("Compare with another network"):
        left, right = st.columns(2, gap="medium")
        first = left.selectbox(
            "First",
            there,
            index=there.index(model.name),
            format_func=network_choice.described,
            key=f"first-of-{model.name}",
        )
        others = [name for name in there if name != first]
        second = right.selectbox(
            "Second",
            others,
            index=None,
            placeholder="Choose a network",
            format_func=network_choice.described,
            key=f"second-to-{first}",
        )
        if second is None:
            return
        with st.spinner("Asking both …"):
            found = _kept(f"{key}-{first}-{second}", seen.shown, first, second)
        _draw(seen.shown, found, first, second)


def compare(photo: Image.Image, first: str, second: str) -> Compared:
    """Ask two networks about a photo, in turns, so that what slows one slows the other.

    Args:
        photo: RGB.
        first, second: names of segmentation networks.
    """
    models = {name: loaded_models.segmenter(name) for name in (first, second)}
    answers = {name: model.predict(photo).mask for name, model in models.items()}  # warms up
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(RUNS):
        for name, model in models.items():
            times[name].append(model.predict(photo).seconds)
    return Compared(answers, {name: statistics.median(each) for name, each in times.items()})


def _kept(key: str, photo: Image.Image, first: str, second: str) -> Compared:
    """Return what the visitor's session keeps of this comparison; the last one alone is kept."""
    kept = st.session_state.get("compared-models")
    if kept is None or kept[0] != key:
        kept = st.session_state["compared-models"] = (key, compare(photo, first, second))
    found: Compared = kept[1]
    return found


def _draw(photo: Image.Image, found: Compared, first: str, second: str) -> None:
    for column, name in zip(st.columns(3, gap="small"), (first, second, ""), strict=True):
        with column, st.container(gap="xsmall"):
            if not name:
                _draw_difference(photo, found.masks[first], found.masks[second])
                continue
            mask = found.masks[name]
            st.image(error_map.draw(photo, mask, mask), width="stretch", alt=f"Mask of {name}")
            st.markdown(f"**{name}**")
            st.caption(
                f"{number_format.percent(masks.area_fraction(mask))} of the photo, in "
                f"{1000 * found.seconds[name]:.0f}{number_format.NBSP}ms"
            )
    one, other = found.masks[first], found.masks[second]
    alone = {
        name: number_format.percent(masks.area_fraction(pixels), 2)
        for name, pixels in ((first, one & ~other), (second, other & ~one))
    }
    st.markdown(
        f"**Violet**: in both masks. **Amber**: {first} alone, {alone[first]} of the photo. "
        f"**Red**: {second} alone, {alone[second]}."
    )
    st.caption(
        f"Each at its own threshold. Time: measured just now on this server, the median of {RUNS} "
        "runs in turns; whoever else uses the server slows both."
    )


def _draw_difference(photo: Image.Image, first: masks.Mask, second: masks.Mask) -> None:
    differ = number_format.percent(float(np.mean(first != second)), 2)
    st.image(
        error_map.draw(photo, second, first),
        width="stretch",
        alt=f"Where the two masks differ: {differ} of the photo",
    )
    st.markdown("**Where they differ**")
    st.caption(
        f"{differ} of the photo; IoU of the two masks "
        f"{number_format.percent(masks.iou(first, second), 2)}"
    )
