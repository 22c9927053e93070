"""A place that says when it comes into view, so that what nobody looks at is not made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from pages.components.register import component

_mount = component("in_view")


def show(key: str, token: str, drawn: bool, on_seen: Callable[[], None], ahead: int = 0) -> None:
    """Mark the place; it is a pixel high. Call it in the fragment that draws what stands below.

    Args:
        key: Streamlit's key.
        token: Tells what stands there now from what did.
        drawn: Whether it is drawn already, and nothing is to be said.
        on_seen: Called when the place is in view, once a token; ask :func:`seen` there.
        ahead: Pixels below the window that count as in view.
    """
    data = {"token": token, "drawn": drawn, "ahead": ahead}
    _mount(key=key, data=data, on_seen_change=on_seen)


def seen(key: str) -> str | None:
    """Return the token that is in view, inside ``on_seen``, or None if it makes no sense.

    Args:
        key: The place's key.
    """
    state = st.session_state.get(key)
    value = state.get("seen") if isinstance(state, Mapping) else None
    return value if isinstance(value, str) else None
