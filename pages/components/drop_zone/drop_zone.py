"""A place for an image of the visitor's own: dropped anywhere on the page, pasted, or chosen.

One step, and there at once. The component hands the file to Streamlit's own uploader, which stands
hidden beside it, so that :mod:`pages.server.upload_limits` counts it; as soon as the page has read
it, the server forgets the file, and what stays is what the page keeps of it::

    def on_file(name: str, contents: bytes) -> None:
        put(image=..., own=True)                 # or put(problem=...)
        st.session_state["objects.own"] = ...    # what `on_back` puts back

    drop_zone.show(
        "photo",
        title="Your photo",
        on_file=on_file,
        yours=small_image_address or None,       # the thumbnail "Yours"
        chosen=now_shown_is_own,
        on_back=on_back,
        result="crop",                           # the key of the element that shows the result
    )

What a file is, its content says (``zoo.open_image``), not the end of its name: browsers save JPEGs
as ``.jfif``, phones send names without any. So every file may be chosen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.components import upload
from pages.components.register import component

_mount = component("drop_zone")


def show(
    key: str,
    *,
    title: str,
    on_file: Callable[[str, bytes], None],
    yours: str | None = None,
    chosen: bool = False,
    on_back: Callable[[], None] = lambda: None,
    result: str = "",
) -> None:
    """Show the place, and in it the visitor's own image, once there is one.

    Args:
        key: Streamlit's key.
        title: What is wanted, e.g. "Your photo".
        on_file: Called with a file's name and contents when one has come.
        yours: Address of a small copy of the visitor's own image; None while there is none.
        chosen: Whether it is the one in use.
        on_back: Called when the visitor wants it back.
        result: Key of the element that shows the result; it scrolls into view where it is not.
    """
    number = int(st.session_state.get(f"{key}.number", 0))
    if why := upload.no_upload(st.context.url, st.context.cookies):
        st.warning(why, icon=":material/tab:")
    data = {
        "title": title,
        "number": number,
        "uploader": f"uploader-{key}",
        "megabytes": int(st.get_option("server.maxUploadSize")),
        "yours": yours,
        "chosen": chosen,
        "result": result,
    }
    field = f"{key}-file-{number}"  # a new one each time: an empty one
    with st.container(gap=None):
        _mount(key=f"{key}-zone", data=data, on_back_change=on_back)
        with st.container(key=f"uploader-{key}"):  # hidden; see pages/common/style.py
            st.file_uploader(title, key=field, on_change=_take, args=(key, field, on_file))


def _take(key: str, field: str, on_file: Callable[[str, bytes], None]) -> None:
    """Hand a file to the page, and let the server forget it."""
    file = st.session_state[field]
    if not isinstance(file, UploadedFile):  # none, or one that is forgotten already
        return
    st.session_state[f"{key}.number"] = int(st.session_state.get(f"{key}.number", 0)) + 1
    on_file(file.name, file.getvalue())
    context = get_script_run_ctx()
    if context is not None and st.runtime.exists():
        with contextlib.suppress(AttributeError):  # it would go with the session
            uploads: Any = st.runtime.get_instance().uploaded_file_mgr
            uploads.remove_file(context.session_id, file.file_id)
