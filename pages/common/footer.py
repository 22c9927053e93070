"""The side bar's last lines: on what the models run and where their weights came from."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import loaded_models
from zoo.weights import hub


def show() -> None:
    """Draw the device and the weights in use into the side bar, quietly."""
    found = [model for name in loaded_models.at_hand() if (model := loaded_models.loaded(name))]
    with st.sidebar.container(key="footer"):
        for text in dict.fromkeys(_line(model) for model in found):
            st.caption(text)
        for notice in dict.fromkeys(model.notice for model in found if model.notice):
            st.caption(f":material/info: {notice}")


def _line(model: zoo.Model) -> str:
    """Say device and weights, e.g. "cpu · weights: bundle"."""
    weights = {"bundle": "bundled weights", "hub": f"weights from the Hub, {hub.repository()}"}.get(
        model.source, f"weights from {model.source}"
    )
    revision = f" @ {model.revision[:7]}" if model.revision else ""
    device = model.device.upper() if model.device in ("cpu", "mps") else model.device
    return f":material/memory: {device} &nbsp;·&nbsp; {weights}{revision}"
