"""One sentence in the place of the part of a page that failed; the rest of the page stays."""

from __future__ import annotations

import streamlit as st

import zoo

_UNKNOWN = (
    "This part of the page failed, and the reason is in the server's log. Reload the page to begin "
    "afresh."
)
_MEMORY = "The server has too little memory for this at the moment: try again in a minute."


def show(error: Exception) -> bool:
    """Draw the sentence where the page ended; Streamlit has logged the traceback.

    Returns:
        True: Streamlit's own red box is not needed.
    """
    st.error(sentence(error), icon=":material/error:")
    return True


def sentence(error: Exception) -> str:
    """Return what a visitor is told about an error that no page has caught."""
    if isinstance(error, zoo.ZooError):
        return str(error)
    # torch reports it as a RuntimeError.
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        return _MEMORY
    return _UNKNOWN
