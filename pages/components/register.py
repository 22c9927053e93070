"""Register a browser component: one folder with its .html, .css and .js beside the .py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

_FOLDER = Path(__file__).parent


def component(name: str, *parts: str, shared: Sequence[str] = ()) -> Any:
    """Return the mounting command of the component in the folder ``name``.

    Args:
        name: Name of the folder and stem of its files; also the component's name within the app.
        parts: Stems of further .js files in the folder, whose functions the component's own uses.
        shared: Stems of .js files beside the folders, which several components use.
    """
    html, css, js = (
        (_FOLDER / name / f"{name}.{kind}").read_text(encoding="utf-8")
        for kind in ("html", "css", "js")
    )
    further = [_FOLDER / name / f"{part}.js" for part in parts]
    for path in (*further, *(_FOLDER / f"{part}.js" for part in shared)):
        js = path.read_text(encoding="utf-8") + js
    return st.components.v2.component(f"cnn_lytical_{name}", html=html, css=css, js=js)
