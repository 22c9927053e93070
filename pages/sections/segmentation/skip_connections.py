"""A U-Net's skip connections: what they carry, and what the mask loses without them."""

from __future__ import annotations

import numpy as np
import streamlit as st

import zoo
from pages.common import loaded_models, number_format
from pages.components.diagram import diagram
from pages.components.gallery import gallery
from pages.images import encoding, mosaic
from pages.images.encoding import data_url as address
from pages.sections.feature_maps import trace_cache

_LOST, _GAINED, _KEPT = (232, 150, 62), (91, 140, 240), (143, 140, 242)


@st.fragment
def show(model: zoo.Segmenter, view: np.ndarray) -> None:
    """Draw the section "Skip connections".

    Args:
        model: A loaded U-Net.
        view: uint8 array (h, w, 3), as ``model.view`` returns it.
    """
    run = trace_cache.run(model, trace_cache.small(model, view))
    # Those that hand on detail; an addition next to its own source is another matter.
    skips = [s for s in run.skips if run.layer(s.joins).kind == "concatenation"]
    if not skips:
        return
    st.header("Skip connections", anchor="skips")
    st.markdown(
        "On the way down the network learns what is there and forgets where exactly. A skip "
        "connection hands the detail of the way down to the way up, at the same size."
    )
    titles = {skip.joins: _size(run, skip) for skip in skips}
    chosen = st.segmented_control(
        "Look at the one at",
        list(titles),
        default=skips[-1].joins,
        format_func=titles.__getitem__,
        required=True,
        key="skip-chosen",
    )
    _side_by_side(run, next(skip for skip in skips if skip.joins == chosen))
    left, right = st.columns([8, 4], gap="medium", vertical_alignment="bottom")
    cut = left.pills(
        "Cut",
        list(titles),
        default=[skips[-1].joins],
        selection_mode="multi",
        format_func=titles.__getitem__,
        key="skip-cut",
    )
    fill = right.segmented_control(
        "Put in its place",
        ["zero", "mean"],
        default="zero",
        required=True,
        key="skip-fill",
        format_func={"zero": "Zeros", "mean": "Each map's mean"}.__getitem__,
    )
    _masks(_change(loaded_models.key(model), model, view, tuple(sorted(cut)), fill), view, len(cut))


def _size(run: zoo.explain.Trace, skip: zoo.explain.Skip) -> str:
    _, height, width = run[skip.leaves].shape
    return f"{width} × {height}"


def _side_by_side(run: zoo.explain.Trace, skip: zoo.explain.Skip) -> None:
    """Draw what the encoder hands over, what comes from below, and what the decoder makes of it."""
    joined = run.layer(skip.joins)
    below = next(name for i, name in enumerate(joined.inputs) if i != skip.place)
    block = next(b for b in diagram.blocks(run) if joined.name in b.layers[0].inputs)
    parts = (
        ("Encoder: the skip", skip.leaves),
        ("From below, enlarged", below),
        ("Decoder, first layer behind", block.main.name),
    )
    images = [
        gallery.GalleryImage(
            title, name, address(mosaic.png(run[name])), f"{title}: {len(run[name])} maps"
        )
        for title, name in parts
    ]
    gallery.show("skip-sides", images, columns=3, few=1, stacked=True)


@st.cache_data(max_entries=16, show_spinner="Cutting …")
def _change(
    key: str, _model: zoo.Segmenter, view: np.ndarray, cut: tuple[str, ...], fill: str | None
) -> zoo.explain.MaskChange:
    return zoo.explain.mask_without_skips(_model, view, cut, "mean" if fill == "mean" else "zero")


def _masks(change: zoo.explain.MaskChange, view: np.ndarray, count: int) -> None:
    """Draw the mask with and without, and what differs."""
    kept = change.whole & change.cut
    layers = (
        ("With all of them", [(change.whole, _KEPT)]),
        (f"Without {count}", [(change.cut, _KEPT)]),
        ("Lost and gained", [(kept, (70, 70, 84)), (change.lost, _LOST), (change.gained, _GAINED)]),
    )
    details = (
        f"{number_format.percent(float(change.whole.mean()))} of the image",
        f"{number_format.percent(float(change.cut.mean()))} of the image",
        "amber: lost, blue: gained",
    )
    images = [
        gallery.GalleryImage(title, detail, address(encoding.png(_painted(view, masks))), title)
        for (title, masks), detail in zip(layers, details, strict=True)
    ]
    gallery.show("skip-masks", images, columns=3, few=1)
    st.markdown(
        f"The two masks overlap by **{number_format.percent(change.iou)}** (intersection over "
        f"union)."
    )


def _painted(view: np.ndarray, masks: list[tuple[np.ndarray, tuple[int, int, int]]]) -> np.ndarray:
    """Return the image in gray with masks laid over it."""
    gray = view.mean(axis=2, keepdims=True).repeat(3, axis=2) * 0.75
    for mask, colour in masks:
        gray[mask] = 0.4 * gray[mask] + 0.6 * np.asarray(colour)
    return gray.astype(np.uint8)
