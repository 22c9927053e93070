"""Make app.py the only way into a page, and remember with which link a visitor came.

Streamlit takes a folder named pages/ for a list of pages of its own until some session has called
``st.navigation``. On a fresh server a visit to /digits would therefore run the page without
app.py, so without its side bar, theme and settings. Each page begins with :func:`ensure`, which
sends such a session to app.py; app.py sends it back with :func:`resume`.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import streamlit as st

_FRAMED = "frame.framed"
_WANTED = "frame.wanted"
_AT = "frame.at"  # the page that the visitor is on
_LINK = "frame.link"  # what the address held when they came there, until a page has asked for it


def ensure(page: str) -> None:
    """Go through app.py first, if this session has not yet.

    Args:
        page: Path of the calling page, relative to app.py.
    """
    if not st.session_state.get(_FRAMED):
        st.session_state[_WANTED] = page
        st.switch_page("app.py", query_params=_address())
    if st.session_state.get(_AT) != page:
        st.session_state[_AT] = page
        st.session_state[_LINK] = st.query_params.to_dict()


def resume() -> None:
    """Called by app.py after ``st.navigation``: go where the visitor wanted to go."""
    st.session_state[_FRAMED] = True
    if wanted := st.session_state.pop(_WANTED, None):
        st.switch_page(wanted, query_params=_address())


def page() -> str:
    """Return the last part of the address of the page that the visitor is on."""
    return PurePosixPath(st.session_state.get(_AT, "")).stem


def came_with(name: str) -> str | None:
    """Return what the address held under a name when the visitor came to this page, once.

    Later it says nothing: what the visitor did since then counts.
    """
    value: str | None = st.session_state.get(_LINK, {}).pop(name, None)
    return value


def _address() -> dict[str, list[str]]:
    """Return the address's parameters, which ``st.switch_page`` would drop."""
    return {name: st.query_params.get_all(name) for name in st.query_params}
