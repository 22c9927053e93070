"""A mask against the true one: how far apart they are, and where."""

from __future__ import annotations

import streamlit as st
from PIL import Image

from pages.common import number_format
from pages.components.mask_viewer import mask_viewer
from pages.images import error_map
from zoo.segmentation import masks


def show(photo: Image.Image, predicted: masks.Mask, true: masks.Mask, label: str) -> None:
    """Draw how far a mask is from the true one, and where.

    Args:
        photo: in any size; the errors are drawn on it.
        predicted, true: bool (H, W), of one size.
        label: What is looked for, such as "car".
    """
    left, right = st.columns(mask_viewer.SIDES, gap="medium")
    left.image(
        error_map.draw(photo, predicted, true), width="stretch", alt="Where the two masks differ"
    )
    with right:
        with st.container(horizontal=True, gap="medium"):
            st.metric("IoU", number_format.percent(masks.iou(predicted, true), 2))
            st.metric("Dice", number_format.percent(masks.dice(predicted, true), 2))
            st.metric("Boundary IoU", number_format.percent(masks.boundary_iou(predicted, true), 2))
        missed, wrong = (
            number_format.percent(masks.area_fraction(pixels), 2)
            for pixels in (true & ~predicted, predicted & ~true)
        )
        st.markdown(
            f"**Violet**: {label} in both masks.  \n**Amber**: {label} that the network missed, "
            f"{missed} of the photo.  \n**Red**: what it took for {label} and is not, {wrong}."
        )
