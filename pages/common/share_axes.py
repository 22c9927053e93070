"""Shares in charts, written as everywhere else on the pages: 82.4 %, with a space.

Plotly's format for shares writes "82.4%". So the values become percentages before they are drawn,
and the axis gets a suffix.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pages.common.number_format import NBSP

if TYPE_CHECKING:
    import plotly.graph_objects as go

_TICKS = re.compile(r"(,?\.\d)%")
_VALUE = re.compile(r"%\{([xyz]):(,?\.\d)%\}")
_TEXTS = ("hovertemplate", "texttemplate")


def written(figure: go.Figure) -> go.Figure:
    """Return the figure, its shares turned into percentages.

    An axis holds shares if its ``tickformat`` says so (``.0%``), or a text of a trace on it
    (``%{y:.1%}``); a heat map's cells do if its text says so.
    """
    axes = {_name(axis): axis for axis in (*figure.select_xaxes(), *figure.select_yaxes())}
    shares = {name for name, axis in axes.items() if _TICKS.fullmatch(axis.tickformat or "")}
    for trace in figure.data:
        shares |= {_axis_of(trace, letter) for letter in _said(trace)}
    for trace in figure.data:
        _scale_trace(trace, shares)
    for name in shares & axes.keys():
        _scale_axis(axes[name])
    for shape in figure.layout.shapes:
        for letter in "xy":
            if shape[f"{letter}ref"] in shares:
                for end in (f"{letter}0", f"{letter}1"):
                    shape[end] = 100 * shape[end]
    return figure


def _name(axis: Any) -> str:
    """Return what traces call an axis: ``x``, ``y2``."""
    return str(axis.plotly_name).replace("axis", "")


def _axis_of(trace: Any, letter: str) -> str:
    """Return the name of a trace's axis; for the cells of a heat map one that nothing else has."""
    if letter == "z":
        return f"z of {id(trace)}"
    return str(trace[f"{letter}axis"] or letter)


def _said(trace: Any) -> set[str]:
    """Return which of a trace's coordinates its texts write as shares."""
    texts = " ".join(str(trace[name] or "") for name in _TEXTS if name in trace)
    return {match[1] for match in _VALUE.finditer(texts)}


def _scale_trace(trace: Any, shares: set[str]) -> None:
    """Scale a trace's coordinates on axes of shares, and rewrite its texts."""
    for letter in "xyz":
        if letter not in trace or _axis_of(trace, letter) not in shares:
            continue
        trace[letter] = _scaled(trace[letter])
        for name in ("zmin", "zmax") if letter == "z" else ():
            trace[name] = _scaled(trace[name])
        if (error := f"error_{letter}") in trace:
            for name in ("array", "arrayminus"):
                trace[error][name] = _scaled(trace[error][name])
        if trace.type == "bar" and letter == ("y" if trace.orientation == "h" else "x"):
            trace.width = _scaled(trace.width)
    for name in (text for text in _TEXTS if text in trace):
        if trace[name]:
            trace[name] = _VALUE.sub(rf"%{{\1:\2f}}{NBSP}%", trace[name])


def _scaled(values: Any) -> Any:
    if values is None or isinstance(values, str):
        return values
    if isinstance(values, int | float):
        return 100 * values
    return [_scaled(value) if _is_row(value) else _times(value) for value in values]


def _is_row(value: Any) -> bool:
    return isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0


def _times(value: Any) -> Any:
    return None if value is None else 100 * float(value)


def _scale_axis(axis: Any) -> None:
    if match := _TICKS.fullmatch(axis.tickformat or ""):
        axis.tickformat, axis.ticksuffix = f"{match[1]}f", f"{NBSP}%{axis.ticksuffix or ''}"
    if axis.range is not None:
        logarithmic = axis.type == "log"
        axis.range = [end + 2 if logarithmic else 100 * end for end in axis.range]
    if isinstance(axis.dtick, int | float) and axis.type != "log":
        axis.dtick = 100 * axis.dtick
    if axis.tickvals is not None:
        axis.tickvals = _scaled(axis.tickvals)
