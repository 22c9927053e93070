"""BatchNorm in code: what one writes in PyTorch, and what is computed, in this project's NumPy."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import streamlit as st

from zoo.batch_norm.pytorch_example import EXAMPLE
from zoo.networks.numpy_cnn.batch_normalization import BatchNorm

HEIGHT = 400  # pixels; the rest is scrolled to


def show() -> None:
    """Draw the two side by side."""
    left, right = st.columns(2, gap="medium")
    with left:
        (written,) = st.tabs(["What you write: PyTorch"])
        with written:
            st.code(EXAMPLE, language="python", wrap_lines=True, height=HEIGHT)
    with right:
        forward, backward = st.tabs(["What is computed: NumPy, forward", "backward"])
        with forward:
            st.code(source(BatchNorm.forward), language="python", wrap_lines=True, height=HEIGHT)
        with backward:
            st.code(source(BatchNorm.backward), language="python", wrap_lines=True, height=HEIGHT)


def source(function: Callable[..., Any]) -> str:
    """Return a method's own lines as they stand in its file, without its docstring."""
    lines = inspect.getsource(function)
    return textwrap.dedent(lines.replace(f'        """{function.__doc__}"""\n', "", 1))
