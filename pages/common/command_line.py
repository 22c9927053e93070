"""Commands as they are typed, to be copied; a line breaks between their words."""

from __future__ import annotations

import streamlit as st

# The one grammar of Streamlit's that takes `--data-dir` for one token, which the style sheet keeps
# together; elsewhere a line may break after any of its hyphens. The style sheet leaves the colours
# out: they would only light up an option.
_LANGUAGE = "batch"


def show(text: str) -> None:
    """Draw a command, or some, a line each."""
    st.code(text, language=_LANGUAGE, wrap_lines=True)
