"""The recorded BatchNorm experiments as the series that a chart or a sentence needs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from zoo.experiments import Experiment, experiment, list_experiments
from zoo.weights.catalog import info, list_models

NORMS = ("batch", "none", "group", "layer")
TITLES = {"batch": "BatchNorm", "none": "No norm", "group": "GroupNorm", "layer": "LayerNorm"}
NAMES = TITLES | {"none": "no norm"}  # inside a sentence
Point = tuple[float, float]


def recorded(name: str) -> Experiment | None:
    """Return an experiment, or None if it is not recorded.

    A rehearsal (``--quick``) does not count, nor does what was measured on other weights than the
    catalog's.

    Args:
        name: such as ``"batch_norm_speed"``.

    Raises:
        ExperimentError: its file is damaged.
    """
    if name not in list_experiments():
        return None
    found = experiment(name)
    model, weights = found.raw.get("model"), found.raw.get("weights_sha256")
    other = weights is not None and (model not in list_models() or info(model).sha256 != weights)
    return None if found.raw.get("quick") or other else found


def values(found: Experiment, column: str) -> list[Any]:
    """Return the different values of a column, in ascending order."""
    return sorted({row[column] for row in found.rows if row[column] is not None})


@dataclass(frozen=True)
class Runs:
    """The final trainings of one variant, at the learning rate that its search chose.

    Attributes:
        rate: the learning rate.
        accuracies: one a seed.
    """

    rate: float
    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean accuracy over the seeds."""
        return statistics.fmean(self.accuracies)


def final(found: Experiment, column: str = "accuracy", **where: Any) -> Runs | None:
    """Return the final trainings of a variant; None if there are none.

    A record of a search and of final trainings says which are which (``stage``). In one without,
    every learning rate was trained to the end: of the rates that lie as close to the best as its
    seeds lie to each other, the lowest is taken, so that no noise decides.

    Args:
        found: the experiment.
        column: what counts.
        where: values of other columns.
    """
    rates: dict[float, list[float]] = {}
    for row in found.rows:
        own = row.get("stage", "final") == "final" and row.get(column) is not None
        if own and all(row[key] == value for key, value in where.items()):
            rates.setdefault(row["learning_rate"], []).append(row[column])
    if not rates:
        return None
    best = max(rates.values(), key=statistics.fmean)
    near = statistics.fmean(best) - (max(best) - min(best))
    chosen = min(rate for rate, own in rates.items() if statistics.fmean(own) >= near)
    return Runs(chosen, tuple(rates[chosen]))


def at_rate(found: Experiment, rate: float, **where: Any) -> tuple[float, ...]:
    """Return the accuracies at one learning rate, of the search's first round if there is one."""
    searched = [row for row in found.rows if row.get("stage") == "search"]
    rows = searched or list(found.rows)
    shortest = min(row.get("epochs", 0) for row in rows)
    return tuple(
        row["accuracy"]
        for row in rows
        if row["learning_rate"] == rate
        and row.get("epochs", 0) == shortest
        and all(row[key] == value for key, value in where.items())
    )


def settings(found: Experiment) -> dict[str, dict[str, float]]:
    """Return by name the learning rates (by norm) that ``batch_norm_statistics`` looked at."""
    if named := found.raw.get("settings"):
        return {one["label"]: dict(one["rates"]) for one in named}
    norms = values(found, "norm")
    return {f"{rate:g}": dict.fromkeys(norms, rate) for rate in values(found, "learning_rate")}


def learning_curve(
    found: Experiment, norm: str, rate: float
) -> tuple[list[Point], list[Point], list[Point]]:
    """Return (epoch, validation accuracy): lowest, mean and highest of the final trainings.

    Where one seed diverged, and stopped, it goes on with what it ended with.
    """
    runs = [
        [(point["epoch"], point["accuracy"]) for point in curve["validation"]]
        for curve in found.raw["curves"]
        if (curve["norm"], curve["learning_rate"]) == (norm, rate)
        and curve.get("stage", "final") == "final"
    ]
    if not runs:
        return [], [], []
    epochs = [epoch for epoch, _ in max(runs, key=len)]
    by_epoch = [
        (epoch, [run[min(i, len(run) - 1)][1] for run in runs]) for i, epoch in enumerate(epochs)
    ]
    lowest, middle, highest = (
        [(epoch, of(own)) for epoch, own in by_epoch] for of in (min, statistics.fmean, max)
    )
    return lowest, middle, highest


def accuracy_grid(found: Experiment) -> tuple[list[str], list[float], list[list[float | None]]]:
    """Return norms, learning rates and mean final accuracies [norm][rate]."""
    norms = [norm for norm in NORMS if norm in values(found, "norm")]
    rates = values(found, "learning_rate")
    grid = [
        [
            statistics.fmean(own) if (own := at_rate(found, rate, norm=norm)) else None
            for rate in rates
        ]
        for norm in norms
    ]
    return norms, rates, grid


def by_step(
    found: Experiment, column: str, norm: str, rate: float, layer: str | None = None
) -> list[Point]:
    """Return (step, value) of a column of ``batch_norm_statistics``.

    Args:
        found: the experiment.
        column: such as ``"loss_high"``.
        norm, rate: which run.
        layer: one layer; None means over all of them.
    """
    points: dict[int, list[float]] = {}
    for row in found.rows:
        if (row["norm"], row["learning_rate"]) != (norm, rate) or row[column] is None:
            continue
        if layer is None or row["layer"] == layer:
            points.setdefault(row["step"], []).append(row[column])
    return [(step, statistics.fmean(own)) for step, own in sorted(points.items())]


def landscape(found: Experiment, column: str, norm: str, rate: float) -> list[Point]:
    """Return (step, value) of what ``batch_norm_statistics`` says about the loss around the step.

    Args:
        found: the experiment.
        column: such as ``"loss_high"``.
        norm, rate: which run.
    """
    rows: Iterable[Mapping[str, Any]] = found.raw["landscape"]
    return [
        (row["step"], row[column])
        for row in rows
        if (row["norm"], row["learning_rate"]) == (norm, rate) and row[column] is not None
    ]


def variants(found: Experiment) -> dict[str, Runs]:
    """Return the final trainings of each variant, in the record's order."""
    names = dict.fromkeys(row["variant"] for row in found.rows)
    return {name: runs for name in names if (runs := final(found, variant=name)) is not None}


def modes(found: Experiment, batches: str) -> list[Point]:
    """Return (batch size, accuracy) with batch statistics of ``batch_norm_modes``.

    Args:
        found: the experiment.
        batches: ``"mixed"`` or ``"one class"``.
    """
    return sorted(
        (row["batch_size"], row["accuracy"])
        for row in found.rows
        if row["statistics"] == "batch" and row["batches"] == batches
    )


def medians(found: Experiment, column: str, norm: str, rate: float) -> tuple[float, ...]:
    """Return the medians over each training of ``batch_norm_statistics``, one a seed."""
    rows: Iterable[Mapping[str, Any]] = found.raw["summary"]
    return tuple(
        row[column]
        for row in rows
        if (row["norm"], row["learning_rate"]) == (norm, rate) and row[column] is not None
    )


def epochs_to_reach(found: Experiment, norm: str, rate: float, accuracy: float) -> list[float]:
    """Return, for each seed, the epoch at which an accuracy was reached, between two epochs too.

    A training that never reached it counts with its last epoch, as if it had at that moment.
    """
    result = []
    for curve in found.raw["curves"]:
        if (curve["norm"], curve["learning_rate"]) != (norm, rate):
            continue
        if curve.get("stage", "final") != "final":
            continue
        points = [(0, 0.1), *((p["epoch"], p["accuracy"]) for p in curve["validation"])]
        reached = float(points[-1][0])
        for (before, low), (after, high) in pairwise(points):
            if high >= accuracy:
                reached = before + (after - before) * (accuracy - low) / max(high - low, 1e-9)
                break
        result.append(reached)
    return result


def percent(value: float | None) -> str:
    """Format an accuracy for a sentence; "nothing" for None."""
    return "nothing" if value is None else f"{100 * value:.1f}\xa0%"
