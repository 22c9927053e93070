"""The sample images of the BatchNorm page: the network's inputs, and a strip to choose from."""

from __future__ import annotations

import numpy as np
import streamlit as st

import zoo
from pages.components.thumbnails import thumbnails
from pages.images import encoding
from pages.images.encoding import data_url as address
from zoo.samples.sets import image_set

SHOWN = 10  # in a strip


@st.cache_resource(show_spinner=False, max_entries=2)
def inputs(_model: zoo.Classifier, weights: str) -> np.ndarray:
    """Return the network's inputs for the sample images, float32 (N, 3, H, W).

    Args:
        weights: SHA-256 of the weights; what is computed is kept for all visitors by it.
    """
    images = image_set("cifar10").images
    return _model.preprocessing.normalize_batch(images)


def choose(key: str, indices: np.ndarray) -> int:
    """Draw a strip of sample images; return the place in it of the one that is chosen.

    Args:
        key: Where the visitor's choice is kept.
        indices: int (N,): of the sample images; the first :data:`SHOWN` are drawn.
    """

    def pick() -> None:
        if (place := thumbnails.picked(f"{key}.strip")) is not None and place.isdigit():
            st.session_state[key] = int(place)

    found, shown = image_set("cifar10"), indices[:SHOWN]
    items = [
        thumbnails.Item(
            id=str(place),
            image=address(encoding.png(found.images[index])),
            description=f"Image {place + 1}: {found.names[found.labels[index]]}",
        )
        for place, index in enumerate(shown)
    ]
    chosen = min(st.session_state.get(key, 0), len(shown) - 1)
    thumbnails.show(f"{key}.strip", {"Choose an image": items}, str(chosen), pick)
    return chosen
