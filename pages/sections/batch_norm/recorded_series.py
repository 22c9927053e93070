"""The recorded BatchNorm experiments as the series that a chart or a sentence needs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
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


def mean(found: Experiment, column: str, **where: Any) -> float | None:
    """Return the mean of a column over the rows with the given values, or None without any."""
    own = [
        row[column]
        for row in found.rows
        if row[column] is not None and all(row[key] == value for key, value in where.items())
    ]
    return statistics.fmean(own) if own else None


def best(found: Experiment, choices: str, column: str = "accuracy", **where: Any) -> Point | None:
    """Return (choice, mean) for the choice whose mean is highest.

    Args:
        found: the experiment.
        choices: the column that is chosen by, such as ``"learning_rate"``.
        column: what counts.
        where: values of other columns.
    """
    means = [
        (value, average)
        for value in values(found, choices)
        if (average := mean(found, column, **where, **{choices: value})) is not None
    ]
    return max(means, key=lambda pair: pair[1]) if means else None


def learning_curve(found: Experiment, norm: str, rate: float) -> list[Point]:
    """Return (epoch, validation accuracy), mean over the seeds, of an experiment with ``curves``.

    Where one seed diverged, and stopped, the mean goes on with what it ended with.
    """
    runs = [
        [(point["epoch"], point["accuracy"]) for point in curve["validation"]]
        for curve in found.raw["curves"]
        if (curve["norm"], curve["learning_rate"]) == (norm, rate)
    ]
    if not runs:
        return []
    epochs = [epoch for epoch, _ in max(runs, key=len)]
    return [
        (epoch, statistics.fmean(run[min(i, len(run) - 1)][1] for run in runs))
        for i, epoch in enumerate(epochs)
    ]


def accuracy_grid(found: Experiment) -> tuple[list[str], list[float], list[list[float | None]]]:
    """Return norms, learning rates and mean final accuracies [norm][rate]."""
    norms = [norm for norm in NORMS if norm in values(found, "norm")]
    rates = values(found, "learning_rate")
    grid = [
        [mean(found, "accuracy", norm=norm, learning_rate=rate) for rate in rates] for norm in norms
    ]
    return norms, rates, grid


def accuracy_range(found: Experiment, norm: str) -> str:
    """Say from which to which final accuracy a norm goes over the learning rates."""
    means = [
        average
        for rate in values(found, "learning_rate")
        if (average := mean(found, "accuracy", norm=norm, learning_rate=rate)) is not None
    ]
    return f"{percent(min(means))} to {percent(max(means))}"


def by_step(
    found: Experiment, column: str, norm: str, rate: float, layer: str | None = None
) -> list[Point]:
    """Return (step, value) of a column of ``batch_norm_statistics``.

    Args:
        found: the experiment.
        column: such as ``"loss_high"``.
        norm, rate: which run.
        layer: one layer; None means over all of them (the same for what concerns the network).
    """
    points: dict[int, list[float]] = {}
    for row in found.rows:
        if (row["norm"], row["learning_rate"]) != (norm, rate) or row[column] is None:
            continue
        if layer is None or row["layer"] == layer:
            points.setdefault(row["step"], []).append(row[column])
    return [(step, statistics.fmean(own)) for step, own in sorted(points.items())]


def variants(found: Experiment) -> list[dict[str, Any]]:
    """Return the variants of ``batch_norm_where``, each at its better learning rate.

    Each has ``variant``, ``learning_rate``, ``mean`` and ``accuracies`` (one a seed).
    """
    result = []
    for variant in dict.fromkeys(row["variant"] for row in found.rows):
        rate, average = best(found, "learning_rate", variant=variant) or (0.0, 0.0)
        own = [
            row["accuracy"]
            for row in found.rows
            if (row["variant"], row["learning_rate"]) == (variant, rate)
        ]
        result.append(
            {"variant": variant, "learning_rate": rate, "mean": average, "accuracies": own}
        )
    return result


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


def summary(found: Experiment, norm: str, rate: float) -> Mapping[str, Any]:
    """Return the medians over a run of ``batch_norm_statistics``."""
    rows: Iterable[Mapping[str, Any]] = found.raw["summary"]
    return next(row for row in rows if (row["norm"], row["learning_rate"]) == (norm, rate))


def noise(found: Experiment) -> float:
    """Return by how much two seeds of one variant of ``batch_norm_where`` differ at most."""
    return max(max(row["accuracies"]) - min(row["accuracies"]) for row in variants(found))


def percent(value: float | None) -> str:
    """Format an accuracy for a sentence; "nothing" for None."""
    return "nothing" if value is None else f"{100 * value:.1f}\xa0%"
