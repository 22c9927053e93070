"""The few rules that theme tokens cannot give: what takes no room, and what is never small."""

from __future__ import annotations

import streamlit as st

_RULES = """
/* components/link: an element that only changes the address */
[class*="st-key-link-"] { display: none; }
"""


def show() -> None:
    """Put the rules into the page; they take no room."""
    st.html(f"<style>{_RULES}</style>")
