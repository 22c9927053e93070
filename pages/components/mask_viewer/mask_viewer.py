"""The stage: a photo under what a segmentation network says about each of its pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st
from PIL import Image

from pages.components.register import component
from pages.images import encoding
from zoo.segmentation import masks

SIDE = 1024  # pixels of the longest side on the screen
SIDES = (8, 5)  # widths of two columns: a photo, and what is said about it

_mount = component("mask_viewer")


def show(
    key: str,
    *,
    token: str,
    photo: str,
    probabilities: str,
    threshold: int,
    usual: int,
    description: str,
    on_change: Callable[[], None] = lambda: None,
) -> None:
    """Show the stage; the visitor chooses what to see, compares, and moves the threshold.

    The browser does all of that by itself, from the two images. A new threshold is there for
    ``chosen(key, token)`` inside ``on_change`` once the slider has come to rest.

    Args:
        key: Streamlit's key.
        token: Whenever it changes, the stage takes over all that follows; while it stays the same,
            the threshold belongs to the visitor.
        photo: Address of the photo.
        probabilities: Address of the probability map; see :func:`gray`.
        threshold: Percent, 1 to 99, at which the slider stands.
        usual: Percent at which the model's own threshold lies.
        description: What the photo shows, for those who cannot see it.
        on_change: Called when the threshold has changed.
    """
    data = {
        "token": token,
        "photo": photo,
        "probabilities": probabilities,
        "threshold": threshold,
        "usual": usual,
        "uncertain": masks.UNCERTAIN,
        "description": description,
    }
    _mount(key=key, data=data, on_threshold_change=on_change)


def chosen(key: str, token: str) -> int | None:
    """Return the threshold in percent that the stage last sent, or None if that makes no sense.

    Args:
        key: The stage's key.
        token: That of the photo on the stage; what was sent for an earlier one is not meant for it.
    """
    state = st.session_state.get(key)
    sent = state.get("threshold") if isinstance(state, Mapping) else None
    if not isinstance(sent, Mapping) or sent.get("token") != token:
        return None
    percent = sent.get("percent")
    return percent if type(percent) is int and 1 <= percent <= 99 else None


def fit(size: tuple[int, int]) -> tuple[int, int]:
    """Return the size in which an image is shown: at most :data:`SIDE` pixels, never enlarged.

    Args:
        size: (width, height) of the image.
    """
    factor = min(1.0, SIDE / max(size))
    width, height = (max(1, round(side * factor)) for side in size)
    return width, height


def shrink(probabilities: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a probability map at the size in which its photo is shown.

    Args:
        probabilities: float32 (H, W) in [0, 1].
        size: (width, height), from :func:`fit`.
    """
    if probabilities.shape == size[::-1]:
        return probabilities
    return np.asarray(Image.fromarray(probabilities).resize(size, Image.Resampling.BOX))


def gray(probabilities: np.ndarray) -> str:
    """Return the address of a probability map as a gray image, 0 for 0 and 255 for 1.

    Args:
        probabilities: float (H, W) in [0, 1].
    """
    return encoding.data_url(encoding.png((probabilities * 255 + 0.5).astype(np.uint8)))
