"""From a question's chart to what the browser draws: before the reveal without what is asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import zoo
from pages.sections.interview import recorded_figure, visitor_guess
from pages.sections.interview.question_file import Chart, Prediction, Scale, ValueGroup
from pages.sections.interview.visitor_guess import Guess

_TICKS = 5


def asked(prediction: Prediction, name: str) -> dict[str, Any]:
    """Return what the browser gets before the guess: axes, what is known, and nothing measured."""
    chart = prediction.chart
    shown = chart.groups if prediction.kind == "number" else ()
    data = _frame(chart, f"{name}-asked", prediction.kind) | {
        "groups": [_group(group, chart.scale, hidden=not group.known) for group in shown],
        "options": [{"label": option.label} for option in prediction.options],
        "items": [group.label for group in chart.groups] if prediction.kind == "order" else [],
        "ends": list(prediction.ends),
        "start": prediction.start,
        "revealed": False,
    }
    if chart.curve is not None:
        data["curve"] = {"label": chart.curve.label, "labels": list(chart.curve.labels)}
    return data


def revealed(prediction: Prediction, name: str, guess: Guess | None) -> dict[str, Any]:
    """Return what it gets afterwards: all of that, what was measured, and how far off one was."""
    chart, right = prediction.chart, visitor_guess.right_option(prediction)
    drawn = drawing(chart, f"{name}-revealed") | {
        "kind": prediction.kind,
        "options": [
            {"label": option.label, "right": number == right}
            for number, option in enumerate(prediction.options)
        ],
        "start": prediction.start,
        "guess": guess,
        "verdict": visitor_guess.verdict(prediction, guess),
    }
    if prediction.kind == "order":
        drawn["groups"] = _ranked(chart, guess)
    if prediction.kind == "curve" and guess is None:
        drawn["guess"] = [None] * len(drawn["curve"]["labels"])
    return drawn


def drawing(chart: Chart, name: str) -> dict[str, Any]:
    """Return a chart alone, with all that was measured."""
    data = _frame(chart, name, "curve" if chart.curve else "dots") | {
        "groups": [_group(group, chart.scale) for group in chart.groups],
        "revealed": True,
        "verdict": "",
        "guess": None,
    }
    if chart.curve is not None:
        data["curve"] = {
            "label": chart.curve.label,
            "labels": list(chart.curve.labels),
            "values": visitor_guess.curve_values(chart),
        }
        data["guess"] = [None] * len(chart.curve.labels)
    return data


def dot(chart: Chart) -> str:
    """Return what a dot of a chart stands for; "" where each line has one value."""
    values = [visitor_guess.group_values(group) for group in chart.groups]
    values += visitor_guess.curve_values(chart) if chart.curve else []
    if max(map(len, values), default=0) < 2:
        return ""
    if chart.dot:
        return chart.dot
    timed = any("round" in row for row in zoo.experiment(chart.experiment).rows)
    return "one round of the timing" if timed else "a seed"


def _frame(chart: Chart, name: str, kind: str) -> dict[str, Any]:
    scale = chart.scale
    return {
        "id": name,
        "kind": kind,
        "alt": chart.title,
        "scale": {
            "low": scale.low,
            "high": scale.high,
            "form": scale.form,
            "log": scale.log,
            "label": scale.label,
            "median": scale.median,
        },
        "ticks": ticks(scale),
        "groups": [],
    }


def _group(group: ValueGroup, scale: Scale, hidden: bool = False) -> dict[str, Any]:
    """Return a line of dots; hidden: its label alone."""
    shown: dict[str, Any] = {"label": group.label, "note": group.note, "known": group.known}
    if hidden:
        return shown | {"values": None, "written": ""}
    values = visitor_guess.group_values(group)
    middle = visitor_guess.middle(scale, values)
    return shown | {"values": values, "written": recorded_figure.written(middle, scale.form)}


def _ranked(chart: Chart, guess: Guess | None) -> list[dict[str, Any]]:
    """Return the groups from the largest to the smallest, each with the visitor's place for it."""
    groups = [_group(group, chart.scale) for group in chart.groups]
    if isinstance(guess, list):
        for place, item in enumerate(guess):
            groups[int(item)]["note"] = f"you: number {place + 1}"
    middles = [visitor_guess.middle(chart.scale, group["values"]) for group in groups]
    return [groups[i] for i in sorted(range(len(groups)), key=lambda i: -middles[i])]


def ticks(scale: Scale) -> list[dict[str, Any]]:
    """Return round values along an axis, and how they are written."""
    form = scale.form
    if scale.log:
        first, last = math.ceil(math.log10(scale.low)), math.floor(math.log10(scale.high))
        step = max(1, round((last - first) / _TICKS))
        places: Sequence[float] = [10.0**k for k in range(first, last + 1, step)]
        if last - first < 2:  # a short axis has more than the powers of ten
            places = [
                m * 10.0**k for k in range(first - 1, last + 1) for m in (1, 2, 5)
                if scale.low <= m * 10.0**k <= scale.high * (1 + 1e-9)
            ]  # fmt: skip
    else:
        width = scale.high - scale.low
        unit = 10.0 ** math.floor(math.log10(width / _TICKS))
        step_width = next(unit * m for m in (1, 2, 2.5, 5, 10) if width / (unit * m) <= _TICKS)
        start = math.ceil(scale.low / step_width - 1e-9)
        places = [
            k * step_width for k in range(start, math.floor(scale.high / step_width + 1e-9) + 1)
        ]
        if form.startswith("percent") and step_width >= 0.01:
            form = "percent:0"
    return [{"at": at, "text": _plain(at, form)} for at in places]


def _plain(at: float, form: str) -> str:
    """Write a tick: as the axis writes its numbers, but 0 and 100 % as what they are."""
    if at == 0:
        return "0"
    if form.startswith(("times", "fixed")):
        return f"{at:g}" + ("\xa0×" if form.startswith("times") else "")
    return recorded_figure.written(at, form)
