"""The reliability diagram: how often answers are right, by how sure they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pages.common import charts, drawn_once, number_format
from pages.common.number_format import percent
from pages.sections import when_near

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 330  # pixels
_TITLES = {"before": "Before", "after": "After the temperature"}


def show(found: Mapping[str, Any]) -> None:
    """Draw the diagram, and below it how many answers are in each bin.

    Args:
        found: ``record["reliability"]``, see `training.metrics.reliability`.
    """
    kinds = [kind for kind in _TITLES if kind in found]
    names = [_name(kind, found[kind]["ece"], len(kinds)) for kind in kinds]
    bins = [tuple(_row(each) for each in found[kind]["bins"]) for kind in kinds]
    when_near.chart(
        _figure(tuple(names), tuple(bins)),
        key="reliability",
        alt=f"Accuracy by confidence, {len(bins[0])} bins. "
        + "; ".join(f"{name}: {_told(rows)}" for name, rows in zip(names, bins, strict=True)),
        height=HEIGHT,
    )


def words(found: Mapping[str, Any]) -> str:
    """Say how to read the diagram."""
    bins = len(found["after"]["bins"])
    return (
        f"{found['n']:,} {found['split']} images in {bins} bins by confidence: how sure the "
        f"answer is. With 95{number_format.NBSP}% intervals; dotted: as accurate as confident. "
        "ECE: the mean distance from there."
    )


Row = tuple[int, float | None, float | None]  # answers, mean confidence, accuracy


def _row(each: Mapping[str, Any]) -> Row:
    return (each["n"], each["confidence"], each["accuracy"])


def _name(kind: str, ece: float, kinds: int) -> str:
    title = _TITLES[kind] if kinds > 1 else "Measured"
    return f"{title}: ECE {number_format.percent(ece)}"


def _told(rows: tuple[Row, ...]) -> str:
    return ", ".join(
        f"confidence {percent(sure, 0)}, accuracy {percent(right, 0)} of {n:,}"
        for n, sure, right in rows
        if sure is not None and right is not None
    )


def interval(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of n answers (Wilson 1927), in [0, 1].

    Example:
        >>> [round(end, 2) for end in interval(0.5, 10)]
        [0.24, 0.76]
    """
    z = 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


@drawn_once.keep
def _figure(names: tuple[str, ...], bins: tuple[tuple[Row, ...], ...]) -> go.Figure:
    from plotly.subplots import make_subplots

    figure = make_subplots(2, 1, shared_xaxes=True, row_heights=[0.74, 0.26], vertical_spacing=0.06)
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": charts.quiet(), "width": 1.5,
        "dash": "dot"}, hoverinfo="skip", showlegend=False, row=1, col=1,
    )  # fmt: skip
    colors = [charts.quiet(), charts.accent()][-len(names) :]
    for name, rows, color in zip(names, bins, colors, strict=True):
        _points(figure, name, rows, color)
        _counts(figure, rows, color)
    charts.plain(figure, HEIGHT)
    figure.update_layout(margin={"r": 24})  # the last number of the axis
    figure.update_layout(legend=charts.LEGEND, barmode="group", bargap=0.25, bargroupgap=0)
    share = {"range": [0, 1.02], "tickformat": ".0%", "fixedrange": True, "zeroline": False}
    figure.update_xaxes(**share, showgrid=False, dtick=0.25, tickangle=0)
    figure.update_xaxes(title="Confidence", row=2, col=1)
    figure.update_yaxes(**share, title="Accuracy", dtick=0.25, row=1, col=1)
    figure.update_yaxes(
        type="log", fixedrange=True, tickvals=[1, 100, 10_000], ticktext=["1", "100", "10 k"],
        title="Answers", row=2, col=1,
    )  # fmt: skip
    return figure


def _points(figure: go.Figure, name: str, rows: tuple[Row, ...], color: str) -> None:
    """Add a point a bin, where it has answers, with the interval of its share."""
    points = [
        (sure, right, n, interval(right, n))
        for n, sure, right in rows
        if sure is not None and right is not None
    ]
    figure.add_scatter(
        x=[sure for sure, *_ in points],
        y=[right for _, right, *_ in points],
        customdata=[n for _, _, n, _ in points],
        name=name,
        mode="lines+markers",
        cliponaxis=False,  # a point at 0 is seen whole
        line={"color": color, "width": 2},
        marker={"size": 8},
        error_y={
            "array": [high - right for _, right, _, (_, high) in points],
            "arrayminus": [right - low for _, right, _, (low, _) in points],
            "thickness": 1.25,
            "width": 3,
        },
        hovertemplate="Confidence %{x:.1%}, accuracy %{y:.1%} of %{customdata:,}<extra></extra>",
        row=1,
        col=1,
    )


def _counts(figure: go.Figure, rows: tuple[Row, ...], color: str) -> None:
    """Add a bar a bin: how many answers it holds."""
    step = 1 / len(rows)
    figure.add_bar(
        x=[(number + 0.5) * step for number in range(len(rows))],
        y=[n or None for n, *_ in rows],
        marker={"color": color, "line": {"width": 0}},
        hovertemplate="%{y:,} answers<extra></extra>",
        showlegend=False,
        row=2,
        col=1,
    )
