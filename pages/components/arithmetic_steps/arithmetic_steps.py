"""The arithmetic of one value, as a page shows it: each step with its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pages.common.number_format import power
from pages.common.number_format import value as number
from pages.components.register import component
from zoo.explain import operations
from zoo.graph.layers import INPUT

_mount = component("arithmetic_steps")
_TITLES = {"batch norm": "BatchNorm"}  # as everywhere on the pages


def show(key: str, steps: Sequence[operations.Operation]) -> None:
    """Show the steps, in order of computation.

    Args:
        key: Streamlit's key.
        steps: From ``zoo.explain.arithmetic``.
    """
    last = steps[-1]
    token = f"{last.layer}-{'-'.join(map(str, last.place))}"  # tests wait for it
    _mount(key=key, data={"steps": [_step(step) for step in steps], "token": token})


def _signed(value: float) -> str:
    """Format a value that stands behind an operator: a negative one in brackets."""
    return f"({number(value)})" if value < 0 else number(value)


def _step(step: operations.Operation) -> dict[str, Any]:
    difference = abs(step.value - step.found)
    shown = {
        "layer": step.layer,
        "title": f"{_TITLES.get(step.kind, step.kind.capitalize())}: {step.layer}",
        "place": _place(step),
        "exact": step.value,
        "found": number(step.found),
        "difference": difference,
        "apart": power(difference),
        "lines": [],
    }
    match step:
        case operations.WeightedSum():
            return shown | _weighted(step)
        case operations.Maximum():
            window = [[None if np.isinf(v) else float(v) for v in row] for row in step.inputs]
            row, column = np.unravel_index(step.inputs.argmax(), step.inputs.shape)
            lines = [["the largest", number(step.value)]]
            return shown | {"window": window, "winner": [int(row), int(column)], "lines": lines}
    return shown | {"lines": _lines(step)}


def _lines(step: operations.Operation) -> list[list[str]]:
    """Return lines of (formula, result) for the steps that are one."""
    n, value = number, number(step.value)
    match step:
        case operations.Normalization():
            return [
                ["γ · (x − μ) / √(σ² + ε) + β", ""],
                [
                    f"{n(step.gamma)} · ({n(step.x)} − {_signed(step.mean)}) / "
                    f"√({n(step.variance)} + {n(step.eps)}) + {_signed(step.beta)}",
                    value,
                ],
            ]
        case operations.Activation():
            formula = {
                "ReLU": f"max(0, {n(step.x)})",
                "GELU": f"x · Φ(x) for x = {n(step.x)}",
                "SiLU": f"x · σ(x) for x = {n(step.x)}",
            }
            return [[formula.get(step.function, f"{step.function}({n(step.x)})"), value]]
        case operations.Sum():
            return [
                [" + ".join(step.sources), ""],
                [" + ".join(_signed(term) for term in step.terms), value],
            ]
        case operations.Scaling():
            return [[f"{n(step.x)} · {n(step.factor)}", value]]
        case operations.Softmax():
            top, total = step.exponentials[step.index], step.exponentials.sum()
            return [
                ["e^(z − max z) / Σ e^(z − max z)", ""],
                [f"{n(float(top))} / {n(float(total))}", value],
            ]
        case operations.Copy():
            return [["moved, not changed" if step.origin else "padding", value]]
    return []


def _weighted(step: operations.WeightedSum) -> dict[str, Any]:
    """Return patch, kernel and products, channel by channel, and their sum."""
    shape = step.inputs.shape if step.inputs.ndim == 3 else (len(step.inputs), 1, 1)
    patch, kernel, products = (
        values.reshape(shape) for values in (step.inputs, step.weights, step.products)
    )
    sums = products.sum(axis=(1, 2))
    outside = np.zeros(shape[1:], bool)
    if len(step.rows):
        outside = (step.rows < 0)[:, None] | (step.columns < 0)[None]
    lines = [[f"Σ of {step.products.size:,} products", number(step.total)]]
    if step.bias:
        lines.append([f"{number(step.total)} + bias {_signed(step.bias)}", number(step.value)])
    return {
        "patch": [_rounded(channel, outside) for channel in patch],
        "kernel": [_rounded(channel) for channel in kernel],
        "products": [_rounded(channel, outside) for channel in products],
        "sums": _rounded(sums[None])[0],
        "strongest": int(np.abs(sums).argmax()),
        "first": step.first_channel,
        "lines": lines,
    }


def _rounded(values: np.ndarray, outside: np.ndarray | None = None) -> list[list[float | None]]:
    """Return a table for JSON with five significant digits; None for padding."""
    table = [[float(f"{v:.5g}") for v in row] for row in values]
    if outside is None or not outside.any():
        return table  # type: ignore[return-value]
    return [
        [None if hidden else v for v, hidden in zip(*pair, strict=True)]
        for pair in zip(table, outside, strict=True)
    ]


def _place(step: operations.Operation) -> str:
    source = "the image" if step.source == INPUT else step.source
    if len(step.place) == 3:
        channel, row, column = step.place
        return f"channel {channel}, row {row}, column {column}; from {source}"
    return f"feature {step.place[0]}; from {source}"
