"""Tidy rows as a chart: every replicate a dot, and their mean a line or a tick."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pages.common import charts, number_format
from pages.sections.experiments.chart_plans import ChartPlan, Rows
from pages.sections.experiments.words import column_title, is_share, variant

if TYPE_CHECKING:
    import plotly.graph_objects as go

Points = dict[str, dict[float, list[float]]]  # by variant, by x

_DOTS = 400  # more replicates than that hide the lines
_TICKS = 12  # values of x that are steps, not a course
_LOG = 8  # from this ratio of largest to smallest on, steps are factors
_LABEL = 26  # characters of a line beside the dots
# At least 3 : 1 on either theme's background; the accent comes before these.
_COLOURS = ("#8b8b98", "#c46a12", "#1f8f80", "#c2477f", "#3a78c9", "#8a7420", "#a04fc0")


def points(rows: Rows, plan: ChartPlan, measure: str) -> Points:
    """Sort the measured values by variant and, within it, by x (0 without an axis)."""
    found: Points = {}
    for row in rows:
        value, x = row[measure], row[plan.x] if plan.x else 0
        if value is None or x is None or not math.isfinite(value):
            continue
        name = variant({column: row[column] for column in plan.by})
        found.setdefault(name, {}).setdefault(x, []).append(float(value))
    return found


def figure(rows: Rows, plan: ChartPlan, measure: str) -> go.Figure:
    """Return the chart of one measure.

    Args:
        rows: Those that are to be seen.
        plan: Of :mod:`pages.sections.experiments.chart_plans`.
        measure: One of the plan's.
    """
    found = points(rows, plan, measure)
    form = _form(found, is_share(rows, measure))
    middle = statistics.median if plan.middle == "median" else statistics.mean
    if plan.x:
        return _lines(found, plan, measure, form, middle)
    return _dots({name: of[0] for name, of in found.items()}, measure, form)


def _form(found: Points, share: bool) -> str:
    """Return the d3 format of a measure: 1,500 rather than 1.5e+3; no two ticks read alike."""
    scale = 100 if share else 1
    values = [scale * v for of in found.values() for values in of.values() for v in values]
    span = max(values) - min(values)
    step = charts.tick_step(span) if span > 0 else 1
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if share:
        return f".{min(max(1, decimals), 9)}%"
    largest = max(map(abs, values))
    if largest >= 1000:
        return f",.{decimals}f" if span > 0 else ",.0f"
    digits = math.floor(math.log10(largest)) + 1 + decimals if largest > 0 else 0
    return f",.{max(3, digits)}~g"


def _position(x: float) -> str:
    """Write a place on an axis of factors."""
    if x >= 1000:
        return f"{x:,.0f}"
    return f"{x:.3g}" if x >= 0.001 else number_format.power(x)


def _round_places(positions: Sequence[float]) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten among positions, and the next one on each side.

    >>> _round_places([0.105, 0.111, 1.68])
    [0.1, 0.2, 0.5, 1.0, 2.0]
    """
    first, last = (math.floor(math.log10(x)) for x in (positions[0], positions[-1]))
    ladder = [float(f"{digit}e{power}") for power in range(first, last + 2) for digit in (1, 2, 5)]
    start = max(i for i, x in enumerate(ladder) if x <= positions[0])
    return ladder[start : next(i for i, x in enumerate(ladder) if x >= positions[-1]) + 1]


def _lines(found: Points, plan: ChartPlan, measure: str, form: str, middle: Any) -> go.Figure:
    import plotly.graph_objects as go

    chart = go.Figure()
    many = hides_dots(found)
    for number, (name, of) in enumerate(found.items()):
        colour = colours(len(found))[number]
        xs = sorted(of)
        repeated = any(len(values) > 1 for values in of.values())
        if repeated and not many:
            pairs = [(x, value) for x in xs for value in of[x]]
            chart.add_scatter(
                x=[x for x, _ in pairs],
                y=[value for _, value in pairs],
                mode="markers",
                marker={"color": colour, "size": 7, "opacity": 0.45},
                showlegend=False,
                hoverinfo="skip",
            )
        chart.add_scatter(
            x=xs,
            y=[middle(of[x]) for x in xs],
            name=name or column_title(measure),
            mode="markers" if plan.scatter else "lines" if many else "lines+markers",
            line={"color": colour, "width": 2.25 if number == 0 else 1.75},
            marker={"size": 11 if plan.scatter else 4 if repeated else 7},
            hovertemplate=f"%{{y:{form}}}",
        )
    charts.plain(chart, height=360)
    chart.update_layout(hovermode="x unified", showlegend=len(found) > 1, legend=charts.LEGEND)
    chart.update_xaxes(title=column_title(plan.x), fixedrange=True, showgrid=False)
    positions = sorted({x for of in found.values() for x in of})
    if positions[0] > 0 and positions[-1] / positions[0] >= _LOG and len(positions) <= _TICKS:
        ticks = _round_places(positions) if plan.scatter else positions
        chart.update_xaxes(type="log", tickvals=ticks, ticktext=[_position(x) for x in ticks])
    elif len(positions) <= _TICKS and all(x == int(x) for x in positions):
        chart.update_xaxes(tickvals=positions)  # no half a worker
    chart.update_yaxes(title=None, tickformat=form, fixedrange=True, nticks=charts.TICKS)
    if plan.log:
        values = [value for of in found.values() for each in of.values() for value in each]
        chart.update_yaxes(tickformat=None, **charts.decades(values))
    return chart


def _dots(found: Mapping[str, Sequence[float]], measure: str, form: str) -> go.Figure:
    import plotly.graph_objects as go

    chart = go.Figure()
    names = {name: "<br>".join(textwrap.wrap(name, _LABEL)) for name in found}
    each = [(names[name], value) for name, values in found.items() for value in values]
    repeated = any(len(values) > 1 for values in found.values())
    chart.add_scatter(
        x=[value for _, value in each],
        y=[name for name, _ in each],
        mode="markers",
        marker={
            "color": charts.accent(),
            "size": 9 if repeated else 11,
            "opacity": 0.5 if repeated else 1,
        },
        hovertemplate=f"%{{x:{form}}}<extra></extra>",
        showlegend=False,
    )
    if repeated:
        chart.add_scatter(
            x=[statistics.mean(values) for values in found.values()],
            y=[names[name] for name in found],
            mode="markers",
            marker={
                "symbol": "line-ns",
                "size": 18,
                "line": {"width": 2.5, "color": charts.ink()},
            },
            hovertemplate=f"mean %{{x:{form}}}<extra></extra>",
            showlegend=False,
        )
    charts.plain(chart, height=60 + _room([name.count("<br>") + 1 for name in names.values()]))
    chart.update_xaxes(
        title=column_title(measure),
        tickformat=form,
        fixedrange=True,
        nticks=charts.TICKS,
        zeroline=False,
    )
    chart.update_yaxes(
        range=[len(names) - 0.5, -0.5], type="category", fixedrange=True, ticksuffix="  "
    )
    return chart


def _room(lines: Sequence[int]) -> int:
    """Return the pixels that labels of so many lines need, below each other at equal distances."""
    most = max((a + b for a, b in pairwise(lines)), default=0)  # half of each meets between them
    usual = 30 * sum(0.55 * count + 0.45 for count in lines)
    return round(max(usual, (8 * most + 4) * len(lines)))


def hides_dots(found: Points) -> bool:
    """Return whether there are more replicates than could be seen as dots."""
    return sum(len(values) for of in found.values() for values in of.values()) > _DOTS


def colours(count: int) -> list[str]:
    """Return colours that can be told apart; the first is the theme's accent."""
    known = [charts.accent(), *_COLOURS]
    return [known[number % len(known)] for number in range(count)]


def progress(curves: Sequence[Mapping[str, Any]], form: str = ".1%") -> go.Figure:
    """Return the validation accuracy of each training, epoch by epoch.

    Args:
        curves: An experiment's ``curves``, each with ``validation``: epoch, loss, accuracy.
        form: d3 format of the values.
    """
    import plotly.graph_objects as go

    chart = go.Figure()
    for curve, colour in zip(curves, colours(len(curves)), strict=True):
        chart.add_scatter(
            x=[point["epoch"] for point in curve["validation"]],
            y=[point["accuracy"] for point in curve["validation"]],
            mode="lines+markers",
            line={"color": colour, "width": 2.25},
            marker={"size": 5},
            hovertemplate=f"epoch %{{x}}: %{{y:{form}}}<extra></extra>",
            showlegend=False,
        )
    charts.plain(chart, height=320)
    chart.update_xaxes(title="Epoch", fixedrange=True, showgrid=False)
    chart.update_yaxes(tickformat=form, fixedrange=True, nticks=charts.TICKS, title=None)
    return chart
