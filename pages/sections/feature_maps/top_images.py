"""The top-activating images of one channel."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import streamlit as st

import zoo
from pages.common import loaded_models
from pages.components.gallery import gallery
from pages.images.encoding import data_url as address
from pages.sections.feature_maps import trace_cache
from zoo.explain import recorded_activations
from zoo.samples.sets import ImageSet, image_set

POOL = 512  # images that are searched
COUNT = 6


def show(
    model: zoo.Model, run: zoo.explain.Trace, layer: zoo.explain.TracedLayer, channel: int
) -> None:
    """Draw the images, with the part of each that the channel answers to framed.

    Args:
        model: A loaded model; without a set of images (a segmentation model) nothing is drawn.
        run: Its run on any image.
        layer: The layer.
        channel: The map or feature.
    """
    images = _images(model)
    if images is None:
        return
    found = _shown_while_searched(loaded_models.key(model), model).get(layer.name)
    if found is None:
        return
    items = []
    for number, row, column, value in found.of(channel):
        field = None
        if len(layer.shape) == 3:
            field = zoo.explain.receptive_field(run, layer.name, row, column)
        image = _framed(model.config["image_set"], number, field)
        name = images.names[images.labels[number]]
        items.append(gallery.GalleryImage(name, f"{value:.3g}", image, f"Shows: {name}", 1.0))
    split = {"test": "test images", "train": "training images"}[images.split]
    data = model.config["data"]["name"]
    st.header(f"What excites channel {channel} most", anchor="excites")
    st.caption(
        f"Top-activating images of {min(POOL, len(images))} {data} {split}, with the largest "
        "value; box: receptive field."
    )
    gallery.show("top-images", items, columns=COUNT, few=3)


def prepare(model: zoo.Model) -> None:
    """Have ready what :func:`show` will need: nothing to do, if it was recorded with the weights.

    Otherwise the network is asked about all images; it takes some seconds, once a server.
    """
    if _images(model) is not None:
        _top_activations(loaded_models.key(model), model)


@lru_cache(maxsize=600)
def _framed(set_name: str, number: int, field: zoo.explain.ReceptiveField | None) -> str:
    """Return the address of an image of a set, with a rectangle drawn into it."""
    return address(trace_cache.over(image_set(set_name).images[number], None, field))


def _images(model: zoo.Model) -> ImageSet | None:
    try:
        return image_set(model.config.get("image_set", ""))
    except zoo.ZooError:
        return None


@st.cache_resource(max_entries=4, show_spinner="Showing it some images …")
def _shown_while_searched(
    key: str, _model: zoo.Model
) -> Mapping[str, zoo.explain.StrongestAnswers]:
    """The same as below, with the spinner that only the run of a page can draw."""
    return _top_activations(key, _model)


@st.cache_resource(max_entries=4, show_spinner=False)
def _top_activations(key: str, _model: zoo.Model) -> Mapping[str, zoo.explain.StrongestAnswers]:
    """Return the answers as recorded, or ask the network once; all sessions share them."""
    name = _model.config["image_set"]
    sha256 = zoo.info(_model.name).sha256
    if found := recorded_activations.recorded(_model.name, sha256, name):
        return found
    inputs = _model.preprocessing.normalize_batch(image_set(name).images[:POOL])
    answers = zoo.explain.top_activations(_model, inputs)
    return {layer: found.strongest(COUNT) for layer, found in answers.items()}
