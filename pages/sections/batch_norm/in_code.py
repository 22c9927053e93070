"""BatchNorm in code: what one writes in PyTorch, and what is computed, in this project's NumPy."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import streamlit as st

from zoo.batch_norm.pytorch_example import EXAMPLE
from zoo.networks.numpy_cnn.batch_normalization import BatchNorm

PYTORCH = f"PyTorch, {len(EXAMPLE.splitlines())} lines"


@st.fragment
def show() -> None:
    """Draw the header, and below it what somebody chooses: it stands whole, and that is long."""
    shown = {
        PYTORCH: EXAMPLE,
        "What is computed: NumPy": f"{source(BatchNorm.forward)}\n{source(BatchNorm.backward)}",
    }
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="bottom",
        key="bn-head-code",
    ):
        st.header("In code", anchor="code", width="content")
        chosen = st.pills(
            "Code to look at", list(shown), label_visibility="collapsed", width="content",
            key="bn.code",
        )  # fmt: skip
    if chosen:
        st.code(shown[chosen], language="python", wrap_lines=True)


def source(function: Callable[..., Any]) -> str:
    """Return a method's own lines as they stand in its file, without its docstring."""
    lines = inspect.getsource(function)
    return textwrap.dedent(lines.replace(f'        """{function.__doc__}"""\n', "", 1))
