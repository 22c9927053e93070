"""What is made of a car that was found: its background, trimmed or not, and the files to take."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st
from PIL import Image, ImageColor

import zoo
from pages.components import upload
from pages.components.link import link
from pages.components.mask_viewer import mask_viewer
from pages.images import encoding
from pages.sections.segmentation.segmented_photo import Scene
from zoo.segmentation import cutouts, file_names, masks

KINDS = ("Transparent", "Colour", "Image")
COLOUR = "#5b5bd6"
JPEG_QUALITY = 92
_LARGEST = 4096  # pixels: the longest side to which another image is kept


@dataclass(frozen=True)
class Look:
    """How the cut-out looks.

    Attributes:
        kind: one of :data:`KINDS`.
        colour: of the background, as #rrggbb.
        image: another image's file, or None while none is chosen.
        address: of a small copy of it, for the screen.
        trim: whether the cut-out ends around the car.
    """

    kind: str = KINDS[0]
    colour: str = COLOUR
    image: bytes | None = None
    address: str | None = None
    trim: bool = False

    @property
    def is_transparent(self) -> bool:
        """Whether nothing stands behind the car."""
        return self.kind == "Transparent" or (self.kind == "Image" and self.image is None)

    @property
    def behind(self) -> mask_viewer.Background | None:
        """What the stage shows behind the car."""
        if self.is_transparent:
            return None
        if self.kind == "Colour":
            return mask_viewer.Background(colour=self.colour)
        return mask_viewer.Background(image=self.address)


def look() -> Look:
    """Return how the visitor wants the cut-out; it outlives a visit to another page."""
    found: Look = st.session_state.setdefault("cut-out", Look())
    return found


def set_look(**changes: Any) -> None:
    """Change how the cut-out looks."""
    st.session_state["cut-out"] = replace(look(), **changes)


def on_link() -> None:
    """Take what a visitor's link names: a colour behind the car, and whether to trim."""
    came = link.arrived(background=_colour, trim=link.one_of(["1"]))
    if "background" in came:
        set_look(kind="Colour", colour=came["background"])
    if "trim" in came:
        set_look(trim=True)


def for_link() -> dict[str, str | bool | None]:
    """Return what :func:`on_link` reads; another image behind the car stays out of it."""
    now = look()
    return {
        "background": now.colour.removeprefix("#") if now.kind == "Colour" else None,
        "trim": now.trim or None,
    }


def _colour(text: str) -> str | None:
    """Read a colour as a link writes it, ``5b5bd6``."""
    return f"#{text.lower()}" if re.fullmatch("[0-9a-fA-F]{6}", text) else None


def choose(label: str) -> None:
    """Draw the choice of the background, and whether to trim to what is cut out, a "car"."""
    now = look()
    if now.kind == "Image" and (problem := st.session_state.get("backdrop-problem")):
        st.error(problem, icon=":material/image_not_supported:")
    for key, value in (("background", now.kind), ("colour", now.colour), ("trim", now.trim)):
        st.session_state.setdefault(key, value)  # Streamlit forgets it on another page
    st.pills(  # which wrap where a column is narrow
        "Background",
        KINDS,
        key="background",
        required=True,
        on_change=lambda: set_look(kind=st.session_state["background"]),
    )
    if now.kind == "Colour":
        st.color_picker(
            "Colour",
            key="colour",
            on_change=lambda: set_look(colour=st.session_state["colour"]),
        )
    if now.kind == "Image":
        st.file_uploader("Another image", key="backdrop", on_change=_on_image)
    st.toggle(
        f"Trim to the {label}",
        key="trim",
        on_change=lambda: set_look(trim=st.session_state["trim"]),
        help=f"The cut-out ends around the {label}, with a little room; the mask keeps the photo's "
        "size",
    )


def _on_image() -> None:
    """Take another image as the background, or say why it cannot be one."""
    st.session_state.pop("backdrop-problem", None)
    if (file := st.session_state["backdrop"]) is None:
        set_look(image=None, address=None)
        return
    try:
        image = zoo.open_image(file.getvalue())
        small = encoding.jpeg(image, side=mask_viewer.SIDE)
        kept = encoding.compact(image, _LARGEST)[0]
    except Exception as error:
        st.session_state["backdrop-problem"] = upload.problem(error)
        set_look(image=None, address=None)
        return
    set_look(image=kept, address=encoding.data_url(small, "jpeg"))


def show_downloads(seen: Scene, threshold: float) -> None:
    """Draw the buttons; each file is made, at the photo's own size, when somebody wants it.

    Args:
        seen: With the visitor's changes of the mask.
        threshold: The probability from which a pixel is car.
    """
    wanted, stem = look(), file_names.stem(seen.name)
    width, height = seen.size

    def mask() -> bytes:  # runs in a thread of its own, without the session
        return masks.png(seen.full().mask_at(threshold))

    label, name, kind = ("Cut-out, PNG", f"{stem}_cutout.png", "image/png")
    if not wanted.is_transparent and max(seen.size) > encoding.JPEG_SIDE:
        label, name, kind = ("Image, PNG", f"{stem}_background.png", "image/png")
    elif not wanted.is_transparent:
        label, name, kind = ("Image, JPEG", f"{stem}_background.jpg", "image/jpeg")
    st.download_button(
        label,
        lambda: encoded(seen, threshold, wanted),
        name,
        kind,
        icon=":material/download:",
        on_click="ignore",
        key="download-image",
        type="primary",
        width="stretch",
    )
    st.download_button(
        "Mask, PNG",
        mask,
        masks.file_name(seen.name),
        "image/png",
        icon=":material/download:",
        on_click="ignore",
        key="download-mask",
        width="stretch",
    )
    trimmed = f", the cut-out trimmed to the {seen.result.label}" if wanted.trim else ""
    st.caption(
        f"At the photo's own size, {width} × {height}{trimmed}, with your threshold and changes. "
        f"In the mask, white is {seen.result.label}."
    )


def encoded(seen: Scene, threshold: float, wanted: Look) -> bytes:
    """Return the file of the cut-out at the photo's own size: PNG, or JPEG if it is opaque."""
    alpha = cutouts.opacity(seen.full().probabilities, threshold)  # and then the photo: memory
    photo = seen.original()
    if wanted.trim:
        left, top, right, bottom = box = cutouts.bounds(alpha)
        photo, alpha = photo.crop(box), alpha[top:bottom, left:right]
    whole = _onto(cutouts.cut_out(photo, alpha), wanted)
    if wanted.is_transparent or max(seen.size) > encoding.JPEG_SIDE:
        return cutouts.png(whole)
    return encoding.jpeg(whole, side=max(whole.size), quality=JPEG_QUALITY)


def _onto(cut: Image.Image, wanted: Look) -> Image.Image:
    """Return a cut-out car on its background; RGBA if there is none."""
    if wanted.is_transparent:
        return cut
    if wanted.kind == "Image" and wanted.image is not None:
        return cutouts.on_image(cut, wanted.image)
    red, green, blue = ImageColor.getrgb(wanted.colour)[:3]
    return cutouts.on_colour(cut, (red, green, blue))
