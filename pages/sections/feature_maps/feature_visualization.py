"""Feature visualization: an input generated to activate one channel, on demand."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

import zoo
from pages.images import encoding

STEPS = 96
SIDE = 128  # pixels of an image for a network that takes any size
KEPT = 12  # images of one visitor


@st.fragment
def show(
    model: zoo.Model, layer: zoo.explain.TracedLayer, channel: int, size: tuple[int, ...]
) -> None:
    """Draw the image, or the button that makes it, with a progress bar while it does.

    Args:
        model: A loaded model.
        layer: The layer.
        channel: The map or feature.
        size: (height, width) of the network's input.
    """
    made: dict[Any, np.ndarray] = st.session_state.setdefault("feature-visualization", {})
    key = (model.name, layer.name, channel)
    place = st.empty()  # button, then progress, then image, one in the place of the other
    if key not in made:
        with place.container():
            asked = st.button("Generate a preferred input", icon=":material/auto_awesome:")
            st.caption(
                "Optimized from noise until the channel answers as strongly as it can (Olah et al. "
                "2017)"
            )
        if not asked:
            return
        with place.container():
            made[key] = _make(model, layer, channel, size)
        while len(made) > KEPT:
            made.pop(next(iter(made)))
    with place.container():
        st.image(_enlarged(made[key]), width="stretch", alt=f"Preferred input of channel {channel}")
        st.caption(f"Preferred input, generated from noise in {STEPS} steps (Olah et al. 2017)")


def _make(
    model: zoo.Model, layer: zoo.explain.TracedLayer, channel: int, size: tuple[int, ...]
) -> np.ndarray:
    place = st.empty()
    bar = st.progress(0.0, "Optimizing an image …")

    def progress(step: int, steps: int, pixels: np.ndarray) -> None:
        # A click elsewhere ends the run here: Streamlit raises inside its own calls.
        place.image(_enlarged(pixels), width="stretch")
        bar.progress(step / steps, f"Step {step} of {steps}")

    height, width = size if isinstance(model, zoo.Classifier) else (SIDE, SIDE)
    return zoo.explain.maximize_activation(
        model, layer.name, channel, (height, width), steps=STEPS, progress=progress
    )


def _enlarged(pixels: np.ndarray) -> bytes:
    return encoding.png(pixels, max(1, round(320 / max(pixels.shape[:2]))))
