"""A gradient check of one NumPy layer, computed now, with the layer's own backward pass beside."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pages.common import charts
from pages.common.number_format import power
from zoo.networks.numpy_cnn import (
    BatchNorm,
    Convolution,
    Layer,
    LayerNorm,
    Linear,
    MaxPooling,
    ReLU,
)

Array = NDArray[Any]
EPSILONS = tuple(10.0**-k for k in range(1, 11))
SAMPLES = 24  # entries of a tensor that are nudged
_DTYPES = ("float64", "float32")


def _layers(dtype: str, rng: np.random.Generator) -> dict[str, Callable[[], tuple[Layer, Any]]]:
    return {
        "Convolution": lambda: (
            Convolution(3, 4, 3, padding=1, bias=True, rng=rng, dtype=dtype),
            (3, 6, 6, 4),
        ),
        "Linear": lambda: (Linear(7, 4, rng=rng, dtype=dtype), (7, 5)),
        "BatchNorm": lambda: (BatchNorm(3, dtype=dtype), (3, 4, 5, 6)),
        "LayerNorm": lambda: (LayerNorm(3, dtype=dtype), (3, 4, 5, 6)),
        "ReLU": lambda: (ReLU(), (3, 4, 5, 6)),
        "MaxPooling": lambda: (MaxPooling(2), (3, 6, 6, 4)),
    }


# These have kinks: a large step crosses them, and the quotient mixes two slopes.
_LEFT = dict.fromkeys(("ReLU", "MaxPooling"), "kinks that a large step crosses, then truncation")


@st.fragment
def show() -> None:
    """Let somebody choose a layer and a dtype, and draw how far the quotients are off."""
    st.markdown("**Try it:** nudge the input of a layer, and compare with its backward pass.")
    left, right = st.columns([3, 1])
    names = list(_layers("float64", np.random.default_rng(0)))
    layer = left.segmented_control("Layer", names, default=names[0], required=True, key="iv.layer")
    dtype = right.segmented_control(
        "In", _DTYPES, default=_DTYPES[0], required=True, key="iv.dtype"
    )
    errors = check(layer, dtype)
    best = min(range(len(errors)), key=errors.__getitem__)
    chart, source = st.columns([2, 3], gap="medium")
    with chart:
        _draw(errors, layer, dtype)
        st.caption(
            f"Best at ε = {power(EPSILONS[best])}: relative error {power(errors[best])}. "
            f"Left of it {_LEFT.get(layer, 'truncation')}, right of it rounding."
        )
    with source:
        kind = type(_layers(dtype, np.random.default_rng(0))[layer]()[0])
        code = textwrap.dedent(inspect.getsource(kind.backward))
        st.code(code, language="python", wrap_lines=True)


@st.cache_data(max_entries=32, show_spinner=False)
def check(layer_name: str, dtype: str) -> list[float]:
    """Return the relative error of central differences for each ε of `EPSILONS`.

    The loss is Σ w · sin(y), with random w: it bends, so that a linear layer is off as well.

    Args:
        layer_name: one of the layers on the screen.
        dtype: "float32" or "float64", of layer and difference quotient.
    """
    rng = np.random.default_rng(1)
    layer, shape = _layers(dtype, rng)[layer_name]()
    inputs = rng.standard_normal(shape).astype(dtype)
    weights = rng.standard_normal(layer.forward(inputs, training=True).shape).astype(dtype)

    def loss() -> Any:
        return (np.sin(layer.forward(inputs, training=True)) * weights).sum()

    output = layer.forward(inputs, training=True)
    backward = layer.backward(weights * np.cos(output))
    assert backward is not None
    gradient = backward.copy().reshape(-1)
    places = rng.permutation(inputs.size)[:SAMPLES]
    errors = []
    for epsilon in EPSILONS:
        quotients = np.array([_quotient(loss, inputs.reshape(-1), at, epsilon) for at in places])
        own = gradient[places].astype(np.float64)
        size = np.linalg.norm(own) + np.linalg.norm(quotients)
        errors.append(float(np.linalg.norm(own - quotients) / size) if size else 0.0)
    return errors


def _quotient(loss: Callable[[], Any], flat: Array, at: int, epsilon: float) -> float:
    """Return (L(x + ε) − L(x − ε)) / 2ε in the tensor's own dtype, and put x back."""
    before = flat[at]
    flat[at] = before + epsilon
    above, up = loss(), flat[at]
    flat[at] = before - epsilon
    below, down = loss(), flat[at]
    flat[at] = before
    width = up - down
    return float((above - below) / width) if width else 0.0


def _draw(errors: list[float], layer: str, dtype: str) -> None:
    import plotly.graph_objects as go  # 0.3 s, so only where a chart is drawn

    figure = go.Figure()
    figure.add_scatter(
        x=EPSILONS,
        y=errors,
        mode="lines+markers",
        line={"color": charts.accent(), "width": 2.5},
        text=[
            f"ε = {power(epsilon)}, error {power(error)}"
            for epsilon, error in zip(EPSILONS, errors, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )
    charts.plain(figure, height=300)
    ticks = [1e-1, 1e-4, 1e-7, 1e-10]
    figure.update_xaxes(
        title="ε", type="log", autorange="reversed", fixedrange=True, showgrid=False,
        tickvals=ticks, ticktext=["10⁻¹", "10⁻⁴", "10⁻⁷", "10⁻¹⁰"],
    )  # fmt: skip
    figure.update_yaxes(
        title="Relative error", type="log", exponentformat="power", fixedrange=True, nticks=6,
        showexponent="all",
    )  # fmt: skip
    charts.show(figure, "iv-gradient", f"Relative error over ε, {layer} in {dtype}")
