"""Which columns of an experiment's rows its chart shows: guessed from the rows, or said here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Rows = Sequence[Mapping[str, Any]]

REPLICATES = ("seed", "round")  # the same thing measured again
_MEASURE = re.compile(
    r"accuracy|iou|dice|loss|second|_ms|milli|speedup|gap|share|repeated|worst|jump|drift|warned"
    r"|refused|error|gradient|smooth|shift|activation|pflop|bytes|memory|fps|frames_"
)
_NOT_SHOWN = ("n", "parameters", "recorded", "place", "rung", "threshold", "git_commit")
_FEW, _MANY = 3, 40  # distinct values of an axis; names of variants


@dataclass(frozen=True)
class ChartPlan:
    """What a chart shows.

    Attributes:
        measures: Columns that can be drawn, the first one to begin with.
        x: The number that they are drawn over, as lines; "": they are drawn as dots beside the
            names of the variants.
        by: Columns that name a variant; those of another measurement of it are `REPLICATES`.
        choose: A column of which one value is shown at a time; "": none.
        middle: ``"mean"`` or ``"median"`` of the replicates.
    """

    measures: tuple[str, ...]
    x: str = ""
    by: tuple[str, ...] = ()
    choose: str = ""
    middle: str = "mean"


# Where the guess is not what the question asks.
_SAID: dict[str, ChartPlan] = {
    "batch_norm_batch_size": ChartPlan(
        ("accuracy", "accuracy_batch_statistics"), "batch", ("norm",)
    ),
    "batch_norm_modes": ChartPlan(("accuracy",), "batch_size", ("statistics", "batches")),
    "batch_norm_speed": ChartPlan(
        ("accuracy", "accuracy_after_quarter"), "learning_rate", ("norm",)
    ),
    "batch_norm_statistics": ChartPlan(
        ("shift_relative", "gradient_change", "loss", "activation_drift", "smoothness"),
        *("step", ("norm",), "learning_rate", "median"),
    ),
    "batch_norm_where": ChartPlan(("accuracy", "loss"), by=("variant", "learning_rate")),
    "cifar_time_to_94": ChartPlan(("accuracy", "seconds"), by=("recipe",)),
    "digit_look_alikes": ChartPlan(("warned", "accuracy", "refused"), by=("kind",), choose="group"),
    "mask_edges": ChartPlan(
        ("iou", "boundary_iou", "edge_iou", "cpu_seconds"),
        by=("mask", "method", "colour", "prior"),
        choose="split",
    ),
    "object_size": ChartPlan(("iou",), "car_width", ("method",), "network"),
    "unet_vs_pytorch_unet": ChartPlan(
        ("iou", "test_iou", "boundary_iou", "bfloat16_ms", "seconds"),
        by=("network", "images", "precision"),
    ),
}


def plan(name: str, rows: Rows) -> ChartPlan | None:
    """Return what to draw of an experiment, None if its rows hold no number to compare.

    A column that the rows do not have (an experiment recorded again, with another table) is left
    out, and the guess takes over if none is left.
    """
    columns = set(rows[0])
    said = _SAID.get(name)
    if said is None or not {said.x, said.choose, *said.by} - {""} <= columns:
        return guess(rows)
    measures = tuple(measure for measure in said.measures if measure in columns)
    return (
        ChartPlan(measures, said.x, said.by, said.choose, said.middle) if measures else guess(rows)
    )


def guess(rows: Rows) -> ChartPlan | None:
    """Return what the columns' names and values suggest.

    Measures are told by their names; whatever else varies is a factor, unless other factors decide
    it (a learning rate that each variant has of its own). A numeric factor of three values or more
    is an axis, the others name the variants.
    """
    measures = tuple(c for c in rows[0] if _MEASURE.search(c) and _numbers(rows, c))
    factors = [
        column
        for column in rows[0]
        if column not in (*measures, *REPLICATES, *_NOT_SHOWN)
        and len(_values(rows, column)) > 1
        and not any(isinstance(row[column], list | dict) for row in rows)
    ]
    factors = [f for f in factors if not _decided(rows, f, [g for g in factors if g != f])]
    if not measures:
        return None
    axes = [f for f in factors if _numbers(rows, f) and len(_values(rows, f)) >= _FEW]
    x = max(axes, key=lambda axis: len(_values(rows, axis))) if axes else ""
    by = tuple(f for f in factors if f != x and len(_values(rows, f)) <= _MANY)
    return ChartPlan(measures, x, by)


def _decided(rows: Rows, column: str, others: Sequence[str]) -> bool:
    """Return whether the other columns, of which one at least is no number, decide a number."""
    named = [other for other in others if not _numbers(rows, other)]
    if not named or not _numbers(rows, column):
        return False
    found: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        key = tuple(repr(row[name]) for name in named)
        found.setdefault(key, set()).add(repr(row[column]))
    return all(len(values) == 1 for values in found.values())


def _numbers(rows: Rows, column: str) -> bool:
    """Return whether a column holds numbers (and gaps) alone."""
    values = [row[column] for row in rows if row[column] is not None]
    return bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )


def _values(rows: Rows, column: str) -> set[str]:
    return {repr(row[column]) for row in rows}
