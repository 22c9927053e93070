"""BatchNorm in code: what one writes in PyTorch, and what is computed, in this project's NumPy."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import streamlit as st

from zoo.batch_norm.pytorch_example import EXAMPLE
from zoo.networks.numpy_cnn.batch_normalization import BatchNorm


def show() -> None:
    """Draw them folded, one at a time: they stand whole, and that is long."""
    shown = {
        "What you write: PyTorch": EXAMPLE,
        "What is computed: NumPy, forward": source(BatchNorm.forward),
        "backward": source(BatchNorm.backward),
    }
    lines = len(EXAMPLE.splitlines())
    with st.expander(f"A network with BatchNorm in PyTorch, {lines} lines; and what is computed"):
        for tab, code in zip(st.tabs(list(shown)), shown.values(), strict=True):
            with tab:
                st.code(code, language="python", wrap_lines=True)


@lru_cache(maxsize=8)
def source(function: Callable[..., Any]) -> str:
    """Return a method's own lines as they stand in its file, without its docstring."""
    lines = inspect.getsource(function)
    return textwrap.dedent(lines.replace(f'        """{function.__doc__}"""\n', "", 1))
