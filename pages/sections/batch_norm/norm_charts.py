"""The charts of the BatchNorm page, in the theme's colours, one colour a kind of normalization."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pages.common import charts, drawn_once, number_format

if TYPE_CHECKING:
    import plotly.graph_objects as go

Point = tuple[float, float]
BINS = 48


def tint(norm: str) -> str:
    """Return a norm's colour."""
    return {"batch": charts.accent(), "group": "#d9892b", "layer": "#3d9c8d"}.get(
        norm, charts.quiet()
    )


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        name: in the legend; "" leaves it out.
        points: (x, y).
        color: its colour.
        dash: Plotly's name of the dash, ``"solid"``.
        width: in pixels.
        markers: whether the points show.
    """

    name: str
    points: Sequence[Point]
    color: str
    dash: str = "solid"
    width: float = 2.25
    markers: bool = False


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        title: below or beside it.
        form: d3 format of its numbers.
        log: whether it is logarithmic.
        powers: whether a logarithmic one, at the left, writes only powers of ten, as such.
        ticks: where to write numbers; empty leaves it to Plotly.
        limits: from, to; None leaves it to Plotly.
        from_zero: whether it begins at zero.
    """

    title: str = ""
    form: str = ""
    log: bool = False
    powers: bool = False
    ticks: Sequence[float] = field(default_factory=tuple)
    limits: tuple[float, float] | None = None
    from_zero: bool = False


@dataclass(frozen=True, eq=False)
class Histogram:
    """One of several histograms in a row.

    Attributes:
        title: above it.
        values: float array of any shape.
        color: of the bars.
        limits: what the axis shows; what lies outside is counted in the first and last bar.
    """

    title: str
    values: np.ndarray = field(repr=False)
    color: str
    limits: tuple[float, float]


@drawn_once.keep
def histograms(row: Sequence[Histogram], height: int) -> go.Figure:
    """Draw how often each value occurs, side by side, each with a mark at zero.

    Args:
        row: from left to right.
        height: of the chart, in pixels.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(
        1, len(row), subplot_titles=[one.title for one in row], horizontal_spacing=0.04
    )
    for number, one in enumerate(row, start=1):
        counts, edges = np.histogram(np.clip(one.values, *one.limits), BINS, one.limits)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=counts / max(one.values.size, 1),
            width=(edges[1] - edges[0]) * 0.92,
            marker={"color": one.color, "line": {"width": 0}},
            hovertemplate="%{y:.1%} near %{x:.2f}<extra></extra>",
            row=1,
            col=number,
        )
        figure.add_vline(
            x=0, line={"color": charts.quiet(), "width": 1, "dash": "dot"}, row=1, col=number
        )
        _cut(figure, counts / max(one.values.size, 1), edges, number)
        figure.update_xaxes(
            range=one.limits, fixedrange=True, showgrid=False, zeroline=False, nticks=6,
            row=1, col=number,
        )  # fmt: skip
    charts.plain(figure, height)
    figure.update_layout(showlegend=False, margin={"l": 0, "r": 8, "t": 26, "b": 0})
    figure.update_annotations(font={"size": 13})
    figure.update_yaxes(visible=False, fixedrange=True)
    return figure


def _cut(figure: go.Figure, shares: np.ndarray, edges: np.ndarray, column: int) -> None:
    """Let a bar that would flatten all others end at the edge, with its share beside it."""
    *_, second, first = sorted(float(share) for share in shares)
    if not 0 < 3 * second < first:
        return
    at, axis = int(shares.argmax()), "" if column == 1 else column
    right = at < 0.75 * len(shares)
    figure.update_yaxes(range=[0, 1.5 * second], row=1, col=column)
    figure.add_annotation(
        text=f"{first:.0%}".replace("%", f"{number_format.NBSP}%"),
        x=float(edges[at + 1] if right else edges[at]),
        xanchor="left" if right else "right",
        xref=f"x{axis}",
        y=1,
        yref=f"y{axis} domain",  # of its place: the values are written as percent later
        yanchor="top",
        showarrow=False,
    )


@drawn_once.keep
def lines(
    drawn: Sequence[Line],
    x: Axis,
    y: Axis,
    height: int = 280,
    bands: Sequence[tuple[Sequence[Point], Sequence[Point], str]] = (),
) -> go.Figure:
    """Draw lines.

    Args:
        drawn: the lines.
        x: the axis below.
        y: the axis at the left.
        height: of the chart, in pixels.
        bands: (lower edge, upper edge, colour) of areas behind the lines.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for low, high, color in bands:
        edge: dict[str, Any] = {
            "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False,
        }  # fmt: skip
        figure.add_scatter(x=[p[0] for p in low], y=[p[1] for p in low], **edge)
        figure.add_scatter(
            x=[p[0] for p in high],
            y=[p[1] for p in high],
            fill="tonexty",
            fillcolor=f"{color}45",
            **edge,
        )
    for line in drawn:
        figure.add_scatter(
            x=[point[0] for point in line.points],
            y=[point[1] for point in line.points],
            name=line.name,
            showlegend=bool(line.name),
            mode="lines+markers" if line.markers else "lines",
            line={"color": line.color, "width": line.width, "dash": line.dash},
            marker={"size": 7},
            hovertemplate=f"%{{y:{y.form}}}" if line.name else None,
            hoverinfo=None if line.name else "skip",
        )
    charts.plain(figure, height)
    figure.update_layout(
        hovermode="x unified",
        legend={**charts.LEGEND, "traceorder": "normal"},
    )
    _axis(figure.update_xaxes, x, {"showgrid": False})
    _axis(figure.update_yaxes, y, {"nticks": 6})
    if y.powers:
        decades = charts.decades(point[1] for line in drawn for point in line.points)
        figure.update_yaxes(dtick=None, tickformat=None, **decades)
    return figure


@drawn_once.keep
def grid(
    rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[float | None]], title: str
) -> go.Figure:
    """Draw a table of accuracies whose cells are the darker the higher.

    Args:
        rows: names at the left.
        columns: names below.
        cells: fractions [row][column]; None for a cell without one.
        title: of the axis below.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    # Never opaque, so that the numbers can be read in the theme's own colour.
    figure.add_heatmap(
        z=[list(row) for row in cells],
        x=list(columns),
        y=list(rows),
        colorscale=[[0, f"{charts.accent()}00"], [1, f"{charts.accent()}a6"]],
        showscale=False,
        xgap=2,
        ygap=2,
        texttemplate="%{z:.1%}",
        textfont={"color": charts.ink()},
        hovertemplate="%{y} at %{x}: %{z:.1%}<extra></extra>",
    )
    charts.plain(figure, grid_height(len(rows)))
    figure.update_xaxes(title=title, type="category", fixedrange=True, showgrid=False)
    figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False, ticksuffix="  ")
    return figure


def grid_height(rows: int) -> int:
    """Return how many pixels high a `grid` with so many rows is."""
    return 30 * rows + 44


def dots_height(rows: int, spacing: int, title: str = "") -> int:
    """Return how many pixels high `dots` with so many rows are."""
    return spacing * rows + (58 if title else 40)


@drawn_once.keep
def dots(
    rows: Mapping[str, Sequence[float]],
    colors: Mapping[str, str],
    marker: float | None = None,
    spacing: int = 34,
    title: str = "",
) -> go.Figure:
    """Draw a row of dots for each name: fractions, from left to right.

    Args:
        rows: fractions by name, from top to bottom.
        colors: by name.
        marker: a fraction to mark with a vertical line.
        spacing: pixels a row.
        title: of the axis below.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, fractions in rows.items():
        figure.add_scatter(
            x=list(fractions),
            y=[name] * len(fractions),
            mode="markers",
            marker={"size": 13, "color": colors[name], "opacity": 0.75},
            hovertemplate="%{x:.1%}<extra></extra>",
            showlegend=False,
        )
    if marker is not None:
        figure.add_vline(x=marker, line={"color": charts.quiet(), "width": 1.5, "dash": "dot"})
    charts.plain(figure, dots_height(len(rows), spacing, title))
    span = 100 * float(np.ptp([value for fractions in rows.values() for value in fractions]))
    narrow = span > 0 and charts.tick_step(span) < 1
    figure.update_xaxes(
        title=title or None,
        tickformat=".1%" if narrow else ".0%",
        tickangle=0,
        fixedrange=True,
        nticks=4 if narrow else charts.TICKS,
        zeroline=False,
    )
    figure.update_yaxes(
        autorange="reversed", fixedrange=True, ticksuffix="  ", showgrid=False, type="category"
    )
    return figure


def answers_height(labels: int) -> int:
    """Return how many pixels high `answers` with so many classes are."""
    return 15 * labels + 50


@drawn_once.keep
def answers(labels: Sequence[str], before: np.ndarray, after: np.ndarray) -> go.Figure:
    """Draw two answers to one image, a pair of bars a class.

    Args:
        labels: the K classes.
        before, after: probabilities (K,).
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, shares, color in (
        ("As trained", before, charts.quiet()),
        ("With these γ and β", after, charts.accent()),
    ):
        figure.add_bar(
            x=[float(share) for share in shares],
            y=list(labels),
            name=name,
            orientation="h",
            marker={"color": color, "cornerradius": 2},
            text=[number_format.percent(float(share)) for share in shares],
            hovertemplate="%{text}",
            textposition="none",
        )
    charts.plain(figure, answers_height(len(labels)))
    figure.update_layout(
        barmode="group",
        bargap=0.35,
        bargroupgap=0.05,
        legend=charts.LEGEND,
        hovermode="y unified",
    )
    figure.update_xaxes(range=[0, 1.02], tickformat=".0%", fixedrange=True, nticks=5)
    figure.update_yaxes(
        autorange="reversed", fixedrange=True, ticksuffix="  ", type="category", dtick=1
    )
    return figure


def _axis(update: Any, axis: Axis, options: dict[str, Any]) -> None:
    settings = options | {"title": axis.title or None, "fixedrange": True}
    if axis.form:
        settings["tickformat"] = axis.form
    if axis.log:
        settings |= {"type": "log", "dtick": "D2", "nticks": None}
    if axis.ticks:
        settings |= {"tickvals": list(axis.ticks), "ticktext": [f"{t:g}" for t in axis.ticks]}
    if axis.from_zero:
        settings["rangemode"] = "tozero"
    if axis.limits:
        settings["range"] = [math.log10(v) for v in axis.limits] if axis.log else axis.limits
    update(**settings)
