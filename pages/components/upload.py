"""How a visitor hands in a photo of their own: upload it, or take one."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.images import encoding


def upload(title: str, label: str, key: str, take: Callable[[str], None]) -> None:
    """Draw a button that opens an upload.

    Args:
        title: of the button.
        label: says what image is wanted.
        key: of the upload in the session's state, where its file lies.
        take: called with ``key`` when a file has come or gone.
    """
    with st.popover(title, icon=":material/upload:", key=f"{key}-popover"):
        st.file_uploader(label, type=encoding.FILES, key=key, on_change=take, args=(key,))


def camera(title: str, label: str, key: str, take: Callable[[str], None]) -> None:
    """Draw a button that opens the camera; the arguments are those of `upload`.

    The browser asks its user for the camera as soon as the input is there, so it is drawn only
    once it is wanted.
    """
    opened = st.popover(
        title, icon=":material/photo_camera:", key=f"{key}-popover", on_change="rerun"
    )
    if opened.open:
        opened.camera_input(label, key=key, on_change=take, args=(key,))
