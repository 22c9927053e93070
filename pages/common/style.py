"""The few rules that theme tokens cannot give: what takes no room, and what is never small."""

from __future__ import annotations

import streamlit as st

_RULES = """
/* components/link: an element that only changes the address */
[class*="st-key-link-"] { display: none; }

/* components/drop_zone: it hands files to this uploader, which shows itself to say why not */
[class*="st-key-uploader-"]:not(:has([data-testid=stFileChipIconError])) { display: none; }
"""


def show() -> None:
    """Put the rules into the page; they take no room."""
    st.html(f"<style>{_RULES}</style>")
