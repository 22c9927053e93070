"""What sections of the page stand in: a header, beside it how it was measured."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.sections import how_measured


def header(title: str, anchor: str, *records: zoo.Experiment | None) -> None:
    """Draw a header; beside it stands how what is below was measured.

    Args:
        title, anchor: of the header.
        records: behind the figures below; None for one that is not recorded.
    """
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="bottom",
        gap="xxsmall",
        key=f"bn-head-{anchor}",
    ):
        st.header(title, anchor=anchor, width="content")
        if known := [found for found in records if found is not None]:
            how_measured.popover(*known)
