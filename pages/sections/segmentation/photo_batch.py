"""Many photos at once: their masks and cut-outs as one zip file, with previews."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

import zoo
from pages.common import number_format
from pages.components import upload
from pages.components.gallery import gallery
from pages.components.mask_viewer import mask_viewer
from pages.images import checkerboard, encoding
from pages.sections.segmentation import segmented_photo
from pages.sections.segmentation.segmented_photo import Scene
from zoo.segmentation import cutouts
from zoo.segmentation.archives import MaskArchive

MOST = 100  # images at once
PREVIEW = 240  # pixels of a preview's longer side
# Bytes of one zip file and of all that the server keeps; cut-outs that would not fit are left out.
LARGEST, TOTAL = 100 * 2**20, 250 * 2**20


@dataclass(eq=False)
class Archive:
    """A finished zip file, kept as long as its visitor's session.

    Attributes:
        contents: the file.
        previews: a small image of each cut-out.
        problems: sentences about what could not be done.
    """

    contents: bytes = field(repr=False)
    previews: list[gallery.GalleryImage] = field(repr=False)
    problems: list[str]


_kept: weakref.WeakSet[Archive] = weakref.WeakSet()


@st.fragment
def show(model: zoo.Segmenter) -> None:
    """Draw the part of a page that takes many images, and gives a zip file of what was found.

    The zip file stays while its visitor is on another page.

    Args:
        model: finds the masks.
    """
    st.header("Many photos at once", anchor="batch")
    left, right = st.columns(mask_viewer.SIDES, gap="medium")
    files = left.file_uploader(
        "Photos",
        accept_multiple_files=True,
        key="batch",
        label_visibility="collapsed",
    )
    with right:
        st.caption(
            "Several photos give one zip file with their masks, their cut-outs and a table of the "
            "areas."
        )
        trim = st.toggle("Trim the cut-outs", value=True, key="batch-trim")
        if len(files) > MOST:
            st.error(f"These are {len(files)} photos: choose at most {MOST} at once.")
        elif files:
            label = f"Cut out {len(files)} photo{'s' * (len(files) > 1)}"
            if st.button(label, type="primary", key="make-masks"):
                st.session_state.pop("archive", None)  # makes room
                st.session_state["archive"] = make_archive(model, files, trim)
        archive = st.session_state.get("archive")
        if archive is not None:
            _show_download(archive)
    if archive is not None and archive.previews:
        gallery.show("batch-previews", archive.previews, columns=6, few=2, stacked=True)


def make_archive(model: zoo.Segmenter, files: Sequence[Any], trim: bool) -> Archive:
    """Look at every image, under a progress bar; return the zip file and what went wrong.

    Whatever happens to one image, the others get their masks.

    Args:
        model: finds the masks.
        files: with a ``name`` and ``getvalue()``.
        trim: whether the cut-outs end around the car.
    """
    archive, previews, problems, left_out = MaskArchive(), [], [], 0
    room = min(LARGEST, TOTAL - sum(len(one.contents) for one in _kept))
    bar = st.progress(0.0)
    for done, file in enumerate(files):
        bar.progress(done / len(files), f"{done + 1} of {len(files)}: {file.name}")
        try:
            seen = segmented_photo.look(model, file.getvalue(), file.name)
            answer = seen.full()
            archive.add(file.name, answer)
            previews.append(_preview(seen))
            if seen.found(answer.threshold) and archive.size < room:
                archive.add_cutout(seen.original(), answer, trim)
            else:
                left_out += seen.found(answer.threshold)
        except Exception as error:
            problem = upload.problem(error)
            problems.append(f"{file.name}: {problem}")
            archive.add_problem(file.name, problem)
    bar.empty()
    if left_out:
        problems.append(
            f"{left_out} cut-out{'s' * (left_out > 1)} would make the file larger than "
            f"{number_format.size(max(room, 0))} and are left out: choose fewer photos at once."
        )
    made = Archive(archive.close(), previews, problems)
    _kept.add(made)
    return made


def _preview(seen: Scene) -> gallery.GalleryImage:
    threshold = seen.result.threshold
    found = seen.found(threshold)
    cut = cutouts.cut_out(seen.shown, cutouts.opacity(seen.result.probabilities, threshold))
    image = checkerboard.draw(cut) if found else seen.shown
    address = encoding.data_url(encoding.jpeg(image, side=PREVIEW), "jpeg")
    share = f"{number_format.percent(seen.area(threshold))} {seen.result.label}"
    area = share if found else f"No {seen.result.label} found"
    return gallery.GalleryImage(seen.name, area, address, f"Cut-out of {seen.name}: {area}")


def _show_download(archive: Archive) -> None:
    """Draw the download of a finished zip file."""
    st.download_button(
        f"masks.zip, {number_format.size(len(archive.contents))}",
        archive.contents,
        "masks.zip",
        "application/zip",
        icon=":material/download:",
        on_click="ignore",
        key="download-archive",
    )
    for problem in archive.problems:
        st.warning(problem, icon=":material/image_not_supported:")
