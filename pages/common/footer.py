"""The side bar's last lines: where more is told, on what the models run, whose weights they are."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import loaded_models, source
from zoo.weights import hub


def show() -> None:
    """Draw the ways to source and documents, the device and the weights in use, quietly."""
    found = [model for name in loaded_models.at_hand() if (model := loaded_models.loaded(name))]
    with st.sidebar.container(key="footer", gap="xxsmall"):
        _links()
        for text in dict.fromkeys(_line(model) for model in found):
            st.caption(text)
        for notice in dict.fromkeys(model.notice for model in found if model.notice):
            # A command in it is plain text here: code in a caption has too little contrast.
            st.caption(f":material/info: {notice.replace('`', '')}")


def _links() -> None:
    for target, label, icon in (
        (source.address(), "Source", ":material/code:"),
        (source.docs(), "Documents", ":material/menu_book:"),
        (source.issues(), "Report a problem", ":material/bug_report:"),
    ):
        if target:
            st.page_link(target, label=label, icon=icon)


def _line(model: zoo.Model) -> str:
    """Say device and weights, e.g. "cpu · weights: bundle"; of the host's own model its name."""
    if zoo.info(model.name).folder is not None:
        weights = f"own weights: {model.name}"
    else:
        weights = {
            "bundle": "bundled weights",
            "hub": f"weights from the Hub, {hub.repository()}",
        }.get(model.source, f"weights from {model.source}")
    revision = f" @ {model.revision[:7]}" if model.revision else ""
    device = model.device.upper() if model.device in ("cpu", "mps") else model.device
    return f":material/memory: {device} &nbsp;·&nbsp; {weights}{revision}"
