"""Plotly charts in the theme's colours."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.common import drawn_once, share_axes
from pages.common.drawn_once import Blueprint
from pages.common.number_format import percent, power

if TYPE_CHECKING:
    import plotly.graph_objects as go

_CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}
TICK = 12  # pixels: no text is smaller
TICKS = 6  # at most on an axis of measured values
CURVES = 240  # pixels: the height of `curves`
WIDE = 0.05  # shares that span more have ticks at whole percents
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None}


def accent() -> str:
    """Return the theme's accent colour, for the theme that the visitor sees."""
    return str(_theme("primaryColor"))


def quiet() -> str:
    """Return a gray for what is there to be compared with, readable on either theme."""
    return "#8b8b98"


def ink() -> str:
    """Return the theme's colour of text, for the theme that the visitor sees."""
    return str(_theme("textColor"))


def show(figure: go.Figure | Blueprint, key: str, alt: str) -> None:
    """Draw a chart that keeps still: no toolbar, no zoom.

    Args:
        figure: The chart, or what describes it.
        key: Streamlit's key.
        alt: What it shows, for those who cannot see it.
    """
    if isinstance(figure, Blueprint):
        build = figure.build
        drawn_once.show(figure.digest, key, alt, lambda: _finished(build()), _CONFIG)
    else:
        st.plotly_chart(_finished(figure), config=_CONFIG, key=key, alt=alt)


def _finished(figure: go.Figure) -> go.Figure:
    """Return a chart with its numbers as they are written everywhere, and legible."""
    soft = f"{ink()}cc"
    font = {"size": TICK, "color": soft}
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(tickfont=font, title={"font": font})
    for note in figure.layout.annotations:
        note.font.color = note.font.color or soft
    figure.update_traces(outsidetextfont=font, selector={"type": "bar"})
    return share_axes.written(figure)


def plain(figure: go.Figure, height: int) -> None:
    """Give a chart its height in pixels, next to no margin, and no dragging."""
    figure.update_layout(height=height, margin={"l": 0, "r": 8, "t": 8, "b": 0}, dragmode=False)


@drawn_once.keep
def curves(
    train: Sequence[tuple[int, float]], validation: Sequence[tuple[int, float]], form: str
) -> go.Figure:
    """Draw training against validation.

    Args:
        train: (epoch, value); empty if it was not recorded, and no line is drawn.
        validation: The same.
        form: d3 format of the values, such as ``".1%"``.
    """
    import plotly.graph_objects as go  # 0.3 s, so only where a chart is drawn

    figure = go.Figure()
    for name, points, tint, width in (
        ("Training", train, quiet(), 1.75),
        ("Validation", validation, accent(), 2.5),
    ):
        if not points:
            continue
        figure.add_scatter(
            x=[epoch for epoch, _ in points],
            y=[value for _, value in points],
            name=name,
            mode="lines",
            line={"color": tint, "width": width},
            hovertemplate=f"%{{y:{form}}}",
        )
    plain(figure, CURVES)
    figure.update_layout(
        hovermode="x unified",
        showlegend=True,  # of a single line, too: which of the two is it?
        legend=LEGEND,
    )
    figure.update_xaxes(title="Epoch", showgrid=False, fixedrange=True)
    values = [value for _, value in (*train, *validation)]
    wide = form.endswith("%") and values and max(values) - min(values) > WIDE
    ticks = ".0%" if wide else form
    figure.update_yaxes(tickformat=ticks, title=None, fixedrange=True, nticks=5)
    return figure


@drawn_once.keep
def bars(names: Sequence[str], shares: Sequence[float]) -> go.Figure:
    """Draw one horizontal bar a name, its share in percent written at the end.

    Args:
        names: From top to bottom.
        shares: In [0, 1].
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.add_bar(
        x=list(shares),
        y=list(names),
        orientation="h",
        marker={"color": accent(), "cornerradius": 3},
        text=[percent(share) for share in shares],
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_layout(
        height=bars_height(len(names)),
        margin={"l": 0, "r": 56, "t": 4, "b": 0},
        bargap=0.45,
        dragmode=False,
    )
    figure.update_xaxes(range=[0, 1], fixedrange=True, visible=False)
    # Names, even where they are digits: else every other one is left out, and their order is lost.
    figure.update_yaxes(type="category", autorange="reversed", fixedrange=True, ticksuffix="  ")
    return figure


def bars_height(count: int) -> int:
    """Return how many pixels high so many of `bars` are."""
    return 30 * count + 8


def decades(values: Iterable[float]) -> dict[str, Any]:
    """Return the ticks of a logarithmic axis: powers of ten, written as everywhere else.

    Plotly's own have exponents too small to read.

    >>> decades([0.002, 4])["ticktext"]
    ['10⁻³', '10⁻²', '10⁻¹', '10⁰', '10¹']
    """
    logs = [math.log10(value) for value in values if value > 0]
    first, last = (math.floor(min(logs)), math.ceil(max(logs))) if logs else (0, 0)
    places = range(first, last + 1, max(1, math.ceil((last - first) / TICKS)))
    return {
        "type": "log",
        "tickmode": "array",
        "tickvals": [10.0**place for place in places],
        "ticktext": [power(10.0**place) for place in places],
    }


def tick_step(span: float) -> float:
    """Return how far apart Plotly puts at most :data:`TICKS` ticks: 1, 2 or 5 times a power of 10.

    >>> [tick_step(span) for span in (100, 0.05)]
    [20.0, 0.01]
    """
    least = span / TICKS
    unit = 10.0 ** math.floor(math.log10(least))
    return float(next(n * unit for n in (1, 2, 5, 10) if n * unit >= least * (1 - 1e-9)))


def _theme(option: str) -> Any:
    kind = st.context.theme.type or "light"
    return st.get_option(f"theme.{kind}.{option}")
