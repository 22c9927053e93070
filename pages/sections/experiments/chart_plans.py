"""Which columns of an experiment's rows its chart shows: guessed from the rows, or said here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
        over: Columns whose values are replicates here, too: a dot is a round of a photo.
        log: Whether the measures differ by factors of thousands.
        only: A column, and the value of the rows that are drawn: where an experiment searched for
            learning rates first, its final trainings alone. None: all rows.
        scatter: Whether a variant is one place on the axis, such as a network by its time.
    """

    measures: tuple[str, ...]
    x: str = ""
    by: tuple[str, ...] = ()
    choose: str = ""
    middle: str = "mean"
    over: tuple[str, ...] = ()
    log: bool = False
    only: tuple[str, str] | None = None
    scatter: bool = False

    def drawn(self, rows: Rows) -> Rows:
        """Return the rows that the chart is about."""
        if self.only is None:
            return rows
        column, value = self.only
        return [row for row in rows if row[column] == value]


_FINAL = ("stage", "final")
# Where the guess is not what the question asks.
_SAID: dict[str, ChartPlan] = {
    "backward_cost": ChartPlan(("ratio", "backward_ms", "forward_ms", "kept_mib"), by=("subject",)),
    "batch_norm_batch_size": ChartPlan(
        *(("accuracy", "accuracy_corrected", "accuracy_batch_statistics"), "batch", ("norm",)),
        only=_FINAL,
    ),
    "batch_norm_depth": ChartPlan(("accuracy",), by=("variant",), only=_FINAL),
    "batch_norm_folding": ChartPlan(
        ("seconds", "seconds_folded", "max_difference"), by=("model", "images")
    ),
    "batch_norm_modes": ChartPlan(("accuracy",), "batch_size", ("statistics", "batches")),
    "batch_norm_race": ChartPlan(("accuracy",), "step", ("norm",), "learning_rate"),
    "batch_norm_speed": ChartPlan(("accuracy",), by=("norm",), only=_FINAL),
    "batch_norm_statistics": ChartPlan(
        ("shift_relative", "gradient_change", "loss", "activation_drift", "smoothness"),
        *("step", ("norm",), "learning_rate", "median"),
    ),
    "batch_norm_where": ChartPlan(("accuracy",), by=("variant",), only=_FINAL),
    "busy_cores": ChartPlan(("milliseconds", "slowest", "cpu_milliseconds"), by=("way", "busy")),
    "car_ladder": ChartPlan(("iou", "boundary_iou"), by=("name",)),
    "cifar_ladder": ChartPlan(("accuracy",), by=("name",)),
    "cifar_time_to_94": ChartPlan(("accuracy", "seconds"), by=("recipe",)),
    "data_loader": ChartPlan(
        ("step_ms", "first_batch_ms", "loader_images_per_second"),
        *("workers", ("source", "augmentation"), "batch"),
    ),
    "data_order": ChartPlan(("accuracy", "loss", "train_loss"), by=("order",)),
    "digit_ladder": ChartPlan(("accuracy", "errors"), by=("name",)),
    "digit_look_alikes": ChartPlan(("warned", "accuracy", "refused"), by=("kind",), choose="group"),
    "first_visit": ChartPlan(
        ("finished_s", "heading_s", "drawn_s", "script_mb"),
        by=("page", "visitor"),
        middle="median",
    ),
    "frame_budget": ChartPlan(("milliseconds",), by=("stage",), over=("photo",)),
    "frame_skip": ChartPlan(
        ("iou", "worst", "self_iou"), "every", ("between",), "speed", over=("photo",)
    ),
    "generalization_gap": ChartPlan(("accuracy", "train_accuracy", "gap"), by=("variant",)),
    "gradient_check": ChartPlan(
        *(("error",), "epsilon", ("method",), "dtype", "median"),
        over=("tensor", "layer"),
        log=True,
    ),
    "inference_backends": ChartPlan(
        ("milliseconds", "iou"), by=("backend", "precision"), choose="model"
    ),
    "latency_front": ChartPlan(("milliseconds", "iou"), by=("network", "way"), choose="resolution"),
    "load": ChartPlan(("p95_s", "p50_s", "memory_mb", "errors"), "sessions", ("page",)),
    "mask_edges": ChartPlan(
        ("iou", "boundary_iou", "edge_iou", "cpu_seconds"),
        by=("split", "method", "colour", "prior"),
        choose="mask",
    ),
    "network_sizes": ChartPlan(("iou", "boundary_iou"), "gflop", ("network",), scatter=True),
    "object_size": ChartPlan(("iou",), "car_width", ("method",), "network"),
    "own_masks": ChartPlan(("iou", "worst", "constant_iou", "minutes"), by=("collection",)),
    "reduced_precision": ChartPlan(("same_label", "iou_between", "iou"), by=("model", "backend")),
    "small_object_cost": ChartPlan(("ratio", "milliseconds"), by=("network", "method")),
    "small_objects": ChartPlan(("iou", "found"), "car_width", ("network",), "method"),
    "train_faster": ChartPlan(
        ("speedup", "images_per_second", "step_ms"), by=("variant",), choose="series"
    ),
    "unet_alternatives": ChartPlan(
        ("iou", "boundary_iou", "street_iou", "phone_good", "phone_fair"),
        "milliseconds",
        ("network",),
        scatter=True,
    ),
    "unet_vs_pytorch_unet": ChartPlan(
        ("iou", "test_iou", "boundary_iou", "bfloat16_ms", "seconds"),
        by=("network", "images", "precision"),
    ),
    "validation_jumps": ChartPlan(
        ("loss_jump", "accuracy_jump", "loss_last", "accuracy_last"),
        *("validation_images", ("schedule", "batch", "weights")),
    ),
    "video_queue": ChartPlan(
        ("shown_age_ms", "latency_ms", "latency_p95_ms", "last_latency_ms", "throughput"),
        *("offered", ("policy",)),
    ),
}


def plan(name: str, rows: Rows) -> ChartPlan | None:
    """Return what to draw of an experiment, None if its rows hold no number to compare.

    A column that the rows do not have (an experiment recorded again, with another table) is left
    out, and the guess takes over if none is left.
    """
    columns = set(rows[0])
    said = _SAID.get(name)
    if said is None or not {said.x, said.choose, *said.by, *said.over} - {""} <= columns:
        return guess(rows)
    measures = tuple(measure for measure in said.measures if measure in columns)
    only = said.only if said.only and said.only[0] in columns else None
    return replace(said, measures=measures, only=only) if measures else guess(rows)


def guess(rows: Rows) -> ChartPlan | None:
    """Return what the columns' names and values suggest.

    Measures are told by their names; whatever else varies is a factor, unless other factors decide
    it (a learning rate that each variant has of its own) or it is measured, too, by another name: a
    fraction that hardly ever comes twice. A numeric factor of three values or more is an axis, the
    others name the variants.
    """
    measures = tuple(c for c in rows[0] if _MEASURE.search(c) and _numbers(rows, c))
    factors = [
        column
        for column in rows[0]
        if column not in (*measures, *REPLICATES, *_NOT_SHOWN)
        and len(_values(rows, column)) > 1
        and not _scattered(rows, column)
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


def _scattered(rows: Rows, column: str) -> bool:
    """Return whether a column's numbers are as many as the rows, nearly, and no whole ones."""
    fractions = any(isinstance(row[column], float) and row[column] % 1 for row in rows)
    many = len(_values(rows, column)) > max(_FEW, len(rows) / 2)
    return fractions and many and _numbers(rows, column)


def _numbers(rows: Rows, column: str) -> bool:
    """Return whether a column holds numbers (and gaps) alone."""
    values = [row[column] for row in rows if row[column] is not None]
    return bool(values) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )


def _values(rows: Rows, column: str) -> set[str]:
    return {repr(row[column]) for row in rows}
