"""Make app.py the only way into a page.

Streamlit takes a folder named pages/ for a list of pages of its own until some session has called
``st.navigation``. On a fresh server a visit to /digits would therefore run the page without
app.py, so without its side bar, theme and settings. Each page begins with :func:`ensure`, which
sends such a session to app.py; app.py sends it back with :func:`resume`.
"""

from __future__ import annotations

import streamlit as st

_FRAMED = "frame.framed"
_WANTED = "frame.wanted"


def ensure(page: str) -> None:
    """Go through app.py first, if this session has not yet.

    Args:
        page: Path of the calling page, relative to app.py.
    """
    if not st.session_state.get(_FRAMED):
        st.session_state[_WANTED] = page
        st.switch_page("app.py")


def resume() -> None:
    """Called by app.py after ``st.navigation``: go where the visitor wanted to go."""
    st.session_state[_FRAMED] = True
    if wanted := st.session_state.pop(_WANTED, None):
        st.switch_page(wanted)
