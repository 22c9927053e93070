"""The pictures of a data set that excite one channel most."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import loaded_models
from pages.components.gallery import gallery
from pages.images.encoding import data_url as address
from pages.sections.feature_maps import trace_cache
from zoo.samples.sets import PictureSet, picture_set

POOL = 512  # pictures that are searched
COUNT = 6


def show(model: zoo.Model, run: zoo.explain.Trace, layer: zoo.explain.Layer, channel: int) -> None:
    """Draw the pictures, with the part of each that the channel answers to framed.

    Args:
        model: A loaded model; without a set of pictures (a segmentation model) nothing is drawn.
        run: Its run on any picture.
        layer: The layer.
        channel: The map or feature.
    """
    pictures = _pictures(model)
    if pictures is None:
        return
    found = _peaks(loaded_models.key(model), model).get(layer.name)
    if found is None:
        return
    items = []
    for number, row, column in found.best(channel, COUNT):
        field = None
        if len(layer.shape) == 3:
            field = zoo.explain.receptive_field(run, layer.name, row, column)
        encoded = trace_cache.over(pictures.images[number], None, field)
        name = pictures.names[pictures.labels[number]]
        value = float(found.values[number, channel])
        items.append(gallery.Picture(name, f"{value:.3g}", address(encoded), f"Shows: {name}"))
    split = {"test": "test pictures", "train": "training pictures"}[pictures.split]
    data = model.config["data"]["name"]
    st.caption(
        f"Of {min(POOL, len(pictures))} {data} {split}, those that it answers to most, with its "
        "largest value; framed: what it answers to."
    )
    gallery.show("favourites", items, columns=COUNT, few=3)


def prepare(model: zoo.Model) -> None:
    """Ask the network now what :func:`show` will need; it takes some seconds, once a server."""
    if _pictures(model) is not None:
        _peaks(loaded_models.key(model), model)


def _pictures(model: zoo.Model) -> PictureSet | None:
    try:
        return picture_set(model.config.get("image_set", ""))
    except zoo.ZooError:
        return None


@st.cache_resource(max_entries=4, show_spinner="Showing it some pictures …")
def _peaks(key: str, _model: zoo.Model) -> dict[str, zoo.explain.Peaks]:
    """Ask the network about the pictures once; all sessions share what it answered."""
    pictures = _pictures(_model)
    assert pictures is not None
    inputs = _model.preprocessing.normalize_batch(pictures.images[:POOL])
    return zoo.explain.peaks(_model, inputs)
