"""A prediction that is given once, and the measurement that answers it, in one chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from pages.components.register import component

_mount = component("prediction", "scale", "dots", "order", "curve")


def show(key: str, data: Mapping[str, Any], on_commit: Callable[[], None] = lambda: None) -> None:
    """Show it.

    Args:
        key: Streamlit's key.
        data: ``id`` (another one begins anew), ``kind`` ("number", "choice", "order", "curve", or
            "dots" for a chart alone), ``alt``, ``scale`` (low, high, form, log, label), ``ticks``,
            ``groups`` (label, note, values, written, known), ``curve`` (label, labels, values),
            ``options`` (label, right), ``items``, ``ends``, ``start``, ``guess``, ``revealed``,
            ``verdict``. What is not to be seen must not be in it: the browser gets it all.
        on_commit: Called once somebody has committed; ask :func:`committed` there.
    """
    _mount(key=key, data=dict(data), on_committed_change=on_commit)


def committed(key: str, wanted: str) -> Any:
    """Return what was just committed, inside ``on_commit``, or None; anybody can send anything.

    Args:
        key: The component's key.
        wanted: The ``id`` that it was shown with.
    """
    state = st.session_state.get(key)
    sent = state.get("committed") if isinstance(state, Mapping) else None
    if not isinstance(sent, Mapping) or sent.get("id") != wanted:
        return None
    return sent.get("value")
