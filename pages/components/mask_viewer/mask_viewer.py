"""The stage: a photo under what a segmentation network says about each of its pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from pages.components.register import component
from pages.images import encoding
from zoo.segmentation import mask_edits, masks

SIDE = 1024  # pixels of the longest side on the screen
SIDES = (8, 5)  # widths of two columns: a photo, and what is said about it

VIEWS = ("overlay", "cutout", "outline", "probability", "uncertain")
_TALL = 1.2  # photos less wide than this, by their height, get a square frame

_mount = component("mask_viewer", "mask_edits")


@dataclass(frozen=True)
class Choice:
    """What the visitor has chosen on the stage.

    Attributes:
        percent: the threshold, 1 to 99.
        view: one of :data:`VIEWS`.
        edits: the changes of the mask as the browser sent them, for :func:`show`; what they mean
            says :func:`zoo.segmentation.mask_edits.read`.
    """

    percent: int
    view: str
    edits: list[Any]


@dataclass(frozen=True)
class Background:
    """What stands behind the car in the view "Cut-out"; nothing: it is transparent there.

    Attributes:
        colour: as #rrggbb.
        image: address of an image.
    """

    colour: str | None = None
    image: str | None = None


def show(
    key: str,
    *,
    token: str,
    photo: str,
    probabilities: str,
    size: tuple[int, int],
    choice: Choice,
    usual: int,
    description: str,
    label: str,
    background: Background | None = None,
    trim: bool = False,
    on_change: Callable[[], None] = lambda: None,
) -> None:
    """Show the stage; the visitor chooses what to see, compares, and changes the mask.

    The browser does all of that by itself, from the two images. What was chosen is there for
    ``chosen(key, token)`` inside ``on_change`` once the finger has come to rest.

    Args:
        key: Streamlit's key.
        token: Whenever it changes, the stage takes over all that follows; while it stays the same,
            threshold, view and edits belong to the visitor.
        photo: Address of the photo.
        probabilities: Address of the probability map; see :func:`gray`.
        size: (width, height) of the photo.
        choice: Where it begins.
        usual: Percent at which the model's own threshold lies.
        description: What the photo shows, for those who cannot see it.
        label: What is looked for, such as "car".
        background: Stands behind the cut-out; a new one brings its view up.
        trim: Whether the cut-out ends around the car.
        on_change: Called when the choice has changed.
    """
    data = {
        "token": token,
        "photo": photo,
        "probabilities": probabilities,
        "tall": size[0] < _TALL * size[1],
        "threshold": choice.percent,
        "view": choice.view,
        "edits": choice.edits,
        "usual": usual,
        "uncertain": masks.UNCERTAIN,
        "description": description,
        "label": label,
        "background": vars(background) if background else None,
        "trim": trim,
    }
    _mount(key=key, data=data, on_chosen_change=on_change)


def chosen(key: str, token: str) -> Choice | None:
    """Return what the stage last sent, or None if that makes no sense.

    Args:
        key: The stage's key.
        token: That of the photo on the stage; what was sent for an earlier one is not meant for it.
    """
    state = st.session_state.get(key)
    sent = state.get("chosen") if isinstance(state, Mapping) else None
    if not isinstance(sent, Mapping) or sent.get("token") != token:
        return None
    percent, view, edits = (sent.get(name) for name in ("percent", "view", "edits"))
    if type(percent) is not int or not 1 <= percent <= 99 or view not in VIEWS:
        return None
    if mask_edits.read(edits) is None:
        return None
    return Choice(percent, view, list(edits or []))


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


def gray(probabilities: np.ndarray, address: Callable[[bytes], str] = encoding.data_url) -> str:
    """Return the address of a probability map as a gray image, 0 for 0 and 255 for 1.

    Args:
        probabilities: float (H, W) in [0, 1].
        address: Makes an address of an image file.
    """
    return address(encoding.png((probabilities * 255 + 0.5).astype(np.uint8)))
