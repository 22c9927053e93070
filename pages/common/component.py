"""Register the components of pages/common/components: one .html, .css and .js file each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).with_name("components")


def component(name: str) -> Any:
    """Return the mounting command of a component ``<name>.html``, ``.css``, ``.js``.

    Args:
        name: Stem of the three files; also the component's name within the app.
    """
    html, css, js = ((_FOLDER / f"{name}.{kind}").read_text() for kind in ("html", "css", "js"))
    return st.components.v2.component(f"cnn_lytical_{name}", html=html, css=css, js=js)
