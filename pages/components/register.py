"""Register a browser component: one folder with its .html, .css and .js beside the .py."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.common import shared_files

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
    mount = st.components.v2.component(
        f"cnn_lytical_{name}", html=html, css=css, js=_fetched_once(_unwrapping(js))
    )

    def mount_wrapped(*, data: Mapping[str, Any], **rest: Any) -> Any:
        return mount(data=(data,), **rest)

    return mount_wrapped


_EXPORT = "export default function"


def _unwrapping(script: str) -> str:
    """Return a component's script so that it takes its data out of the tuple they travel in.

    Streamlit looks for data frames among the values of a mapping: it asks a dozen libraries about
    each list and each mapping there, for which it imports pandas and Arrow, half a second of the
    first page that anybody opens, and 70 MB. Into a tuple it does not look.
    """
    return (
        script.replace(_EXPORT, "const shown = function")
        + "\nexport default (mounted) => shown({ ...mounted, data: mounted.data[0] });\n"
    )


def _fetched_once(script: str) -> str:
    """Return a script that is the one that browsers fetch and keep.

    Streamlit sends a component's script whenever its data have changed, and most are far longer
    than these.
    """
    address = shared_files.address(script.encode(), "js")
    if address is None:
        return script
    return (
        f"const found = await import(new URL({json.dumps(address)}, document.baseURI).href);\n"
        "export default found.default;\n"
    )
