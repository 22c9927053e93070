"""The networks and images that the BatchNorm page looks into, and a strip to choose images from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st

import zoo
from pages.common import loaded_models
from pages.components.thumbnails import thumbnails
from pages.images import encoding, shared_images
from zoo.samples.sets import ImageSet, image_set

SHOWN = 10  # in a strip


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained classifier, ready to be looked into.

    Attributes:
        name, title: of the model.
        key: tells its weights from others; what is computed with it is kept by this.
        network: the ``nn.Module``.
        found: labelled images like those it learned from.
        inputs: the same as the network's inputs, float32 (N, C, H, W).
    """

    name: str
    title: str
    key: str
    network: Any = field(repr=False)
    found: ImageSet = field(repr=False)
    inputs: np.ndarray = field(repr=False)

    @property
    def labels(self) -> np.ndarray:
        """The images' classes, int64 (N,)."""
        return self.found.labels


def names() -> list[str]:
    """Return the classifiers with labelled images: those that can be looked into."""
    return [
        name for name in zoo.list_models(own=False, alternatives=False) if zoo.info(name).image_set
    ]


def subject(name: str) -> Subject:
    """Return a classifier; if it cannot be loaded, show why and end the page."""
    model = loaded_models.classifier(name)
    return _subject(model, loaded_models.key(model))


@st.cache_resource(show_spinner=False, max_entries=4)
def _subject(_model: zoo.Classifier, key: str) -> Subject:
    info, network = zoo.info(_model.name), _model.network
    if info.framework == "numpy":
        network = network.to_torch()
    found = image_set(info.image_set)
    inputs = _model.preprocessing.normalize_batch(found.images)
    return Subject(_model.name, info.title, key, network, found, inputs)


def choose(key: str, subject: Subject, indices: np.ndarray) -> int:
    """Draw a strip of sample images; return the number of the one that is chosen.

    Args:
        key: Where the visitor's choice is kept.
        subject: Whose images.
        indices: int (N,): of the sample images; the first :data:`SHOWN` are drawn.
    """

    def pick() -> None:
        if (number := thumbnails.picked(f"{key}.strip")) is not None and number.isdigit():
            st.session_state[key] = int(number)

    found, shown = subject.found, [int(index) for index in indices[:SHOWN]]
    items = [
        thumbnails.Item(
            id=str(index),
            image=shared_images.address(encoding.png(found.images[index])),
            description=f"Image {place + 1}: {found.names[found.labels[index]]}",
        )
        for place, index in enumerate(shown)
    ]
    kept = st.session_state.get(key)
    chosen = kept if kept in shown else shown[0]
    thumbnails.show(f"{key}.strip", {"Choose an image": items}, str(chosen), pick, row=True)
    return chosen
