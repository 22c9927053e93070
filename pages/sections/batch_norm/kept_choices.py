"""What the widgets of the BatchNorm page stand at, kept while the visitor is on another page."""

from __future__ import annotations

from typing import Any

import streamlit as st

_ALL = "bn.kept"  # plain session state: Streamlit forgets a widget's own where it is not drawn


def begin(key: str, usual: Any) -> Any:
    """Let a widget begin where it stood, before it is drawn; return that.

    Args:
        key: the widget's.
        usual: where it stands when nobody has moved it.
    """
    kept = st.session_state.setdefault(_ALL, {})
    kept[key] = st.session_state.setdefault(key, kept.get(key, usual))
    return kept[key]


def put(key: str, value: Any) -> None:
    """Let a widget stand elsewhere: call it before it is drawn, or in a callback."""
    st.session_state.setdefault(_ALL, {})[key] = st.session_state[key] = value
