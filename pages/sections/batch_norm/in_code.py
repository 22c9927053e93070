"""BatchNorm in code: what one writes in PyTorch, and what is computed, in this project's NumPy."""

from __future__ import annotations

import inspect
import textwrap

import streamlit as st

from zoo.batch_norm.pytorch_example import EXAMPLE
from zoo.networks.numpy_cnn.batch_normalization import BatchNorm


def show() -> None:
    """Draw the two side by side."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**What you write, in PyTorch** – copy it, it runs")
        st.code(EXAMPLE, language="python", wrap_lines=True)
    with right:
        st.markdown("**What is computed, in this project's NumPy** – channels first")
        forward, backward = st.tabs(["Forward", "Backward"])
        with forward:
            st.code(source(BatchNorm.forward), language="python", wrap_lines=True)
        with backward:
            st.code(source(BatchNorm.backward), language="python", wrap_lines=True)


def source(function: object) -> str:
    """Return a method's own lines, as they stand in its file."""
    return textwrap.dedent(inspect.getsource(function))  # type: ignore[arg-type]
