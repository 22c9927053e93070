"""Many images at once: their masks as one zip file."""

from __future__ import annotations

from typing import Any

import streamlit as st

import zoo
from pages.common import number_format
from pages.components import upload
from pages.components.mask_viewer import mask_viewer
from zoo.segmentation.archives import MaskArchive

MOST = 100  # images at once


@st.fragment
def show(model: zoo.Segmenter) -> None:
    """Draw the part of a page that takes many images, and gives a zip file of their masks.

    Args:
        model: finds the masks.
    """
    st.header("Many images at once", anchor="batch")
    left, right = st.columns(mask_viewer.SIDES, gap="medium")
    files = left.file_uploader(
        "Images",
        accept_multiple_files=True,
        key="batch",
        label_visibility="collapsed",
    )
    with right:
        if not files:
            st.caption(
                "Several photos give one zip file with their masks and a table of the areas."
            )
            return
        if len(files) > MOST:
            st.error(f"These are {len(files)} images: choose at most {MOST} at once.")
            return
        made = tuple(file.file_id for file in files)
        if st.button(
            f"Make {len(files)} mask{'s' * (len(files) > 1)}", type="primary", key="make-masks"
        ):
            st.session_state["archive"] = (made, *make_archive(model, files))
        if st.session_state.get("archive", ("",))[0] == made:
            show_archive(*st.session_state["archive"][1:])


def make_archive(model: zoo.Segmenter, files: list[Any]) -> tuple[bytes, list[str]]:
    """Look at every image, under a progress bar; return the zip file and what went wrong.

    Whatever happens to one image, the others get their masks.
    """
    archive, problems = MaskArchive(), []
    bar = st.progress(0.0)
    for done, file in enumerate(files):
        bar.progress(done / len(files), f"{done + 1} of {len(files)}: {file.name}")
        try:
            archive.add(file.name, model.predict(file.getvalue()))
        except Exception as error:
            problem = upload.problem(error)
            problems.append(f"{file.name}: {problem}")
            archive.add_problem(file.name, problem)
    bar.empty()
    return archive.close(), problems


def show_archive(contents: bytes, problems: list[str]) -> None:
    """Draw the download of a finished zip file."""
    st.download_button(
        f"masks.zip, {number_format.size(len(contents))}",
        contents,
        "masks.zip",
        "application/zip",
        icon=":material/download:",
        on_click="ignore",
        key="download-archive",
    )
    for problem in problems:
        st.warning(problem, icon=":material/image_not_supported:")
