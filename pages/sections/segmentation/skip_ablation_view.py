"""What a U-Net's skip connections carry, and what the mask loses without some of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import streamlit as st

import zoo
from pages.common import number_format
from pages.components.diagram import diagram
from pages.components.gallery import gallery
from pages.images import encoding, mosaic
from pages.images.encoding import data_url as address

_LOST, _GAINED, _KEPT = (232, 150, 62), (91, 140, 240), (143, 140, 242)


def skips(run: zoo.explain.Trace) -> list[zoo.explain.Skip]:
    """Return the connections that hand on detail, the largest maps first.

    They concatenate. An addition next to its own source, in a residual block, is another matter.
    """
    found = [skip for skip in run.skips if run.layer(skip.joins).kind == "concatenation"]
    return found[::-1]


def title(run: zoo.explain.Trace, skip: zoo.explain.Skip) -> str:
    """Return the size of the maps that a connection hands over: ``96 × 128``."""
    _, height, width = run[skip.leaves].shape
    return f"{height} × {width}"


@st.cache_data(max_entries=64, show_spinner=False)
def change(
    key: str, _model: zoo.Segmenter, view: np.ndarray, cut: tuple[str, ...], fill: str
) -> zoo.explain.MaskChange:
    """Return the mask with all connections and without some; the last few are kept.

    Args:
        key: Of the model, from :func:`loaded_models.key`.
        view: uint8 array (h, w, 3), as ``model.model_input_image`` returns it.
        cut: Names of the layers where the connections join.
        fill: What arrives instead: "zero" or "mean".
    """
    return zoo.explain.mask_without_skips(_model, view, cut, "mean" if fill == "mean" else "zero")


def show_masks(found: zoo.explain.MaskChange, view: np.ndarray, kept: int, count: int) -> None:
    """Draw the mask with all of them, the one with those that are left, and what differs.

    Args:
        found: The two masks.
        view: The image, uint8 (h, w, 3).
        kept, count: How many connections are in place, and of how many.
    """
    both = found.whole & found.cut
    left = {0: "With none", count: "With all"}.get(kept, f"With {kept} of {count}")
    layers: tuple[tuple[str, Sequence[tuple[np.ndarray, tuple[int, int, int]]], str], ...] = (
        (left, [(found.cut, _KEPT)], f"{number_format.percent(float(found.cut.mean()))} car"),
        (
            "With all",
            [(found.whole, _KEPT)],
            f"{number_format.percent(float(found.whole.mean()))} car",
        ),
        (
            "What differs",
            [(both, (70, 70, 84)), (found.lost, _LOST), (found.gained, _GAINED)],
            "amber: lost, blue: too much",
        ),
    )
    images = [
        gallery.GalleryImage(name, detail, address(encoding.png(painted(view, masks))), name)
        for name, masks, detail in layers
    ]
    gallery.show("skip-masks", images, columns=3, few=2, stacked=True)


def painted(
    view: np.ndarray, masks: Collection[tuple[np.ndarray, tuple[int, int, int]]]
) -> np.ndarray:
    """Return an image in gray with masks laid over it, each in its colour."""
    gray = view.mean(axis=2, keepdims=True).repeat(3, axis=2) * 0.75
    for mask, colour in masks:
        gray[mask] = 0.4 * gray[mask] + 0.6 * np.asarray(colour)
    return gray.astype(np.uint8)


def show_sides(run: zoo.explain.Trace, skip: zoo.explain.Skip) -> None:
    """Draw what the encoder hands over, what comes from below, and what the decoder makes of it."""
    joined = run.layer(skip.joins)
    below = next(name for i, name in enumerate(joined.inputs) if i != skip.place)
    block = next(b for b in diagram.blocks(run) if joined.name in b.layers[0].inputs)
    parts = (
        ("From the way down: the skip", skip.leaves),
        ("From below, enlarged", below),
        ("What the way up makes of both", block.main.name),
    )
    images = [
        gallery.GalleryImage(
            name, layer, address(mosaic.png(run[layer])), f"{name}: {len(run[layer])} maps"
        )
        for name, layer in parts
    ]
    gallery.show("skip-sides", images, columns=3, few=1, stacked=True)
    negative = min(float(run[layer].min()) for _, layer in parts) < 0
    st.html(mosaic.words(negative))
