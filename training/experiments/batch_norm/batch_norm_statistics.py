"""What is different inside a network that trains with BatchNorm?

    python -m training.experiments.batch_norm.batch_norm_statistics --data-dir DIR

The small network with and without BatchNorm, at a low learning rate and each at its own. While it
trains: mean and
standard deviation of the activations, length of the gradients, the loss and its gradient along the
step (Santurkar et al. 2018), and the internal covariate shift as the same paper defines it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from training.data.cifar_images import LabelledImages
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.batch_norm.batch_norm_speed import RATES, SEARCH_SEEDS
from training.experiments.batch_norm.probes import Probes
from training.experiments.batch_norm.small_network import Design
from training.experiments.batch_norm.small_study import SmallStudy, read_key
from training.experiments.batch_norm.small_training import train
from zoo.experiments import spread

NAME = "batch_norm_statistics"
QUESTION = "What does BatchNorm change inside a network while it trains?"
LIMITS = "a small network, the first epochs; means over the seeds are drawn"
LOW = 0.02
NORMS = ("none", "batch")
EPOCHS = 4
LOOKS, SHIFT_LOOKS = 100, 25  # in a run
LAYER_COLUMNS = ("gradient_norm", "activation_std", "activation_drift", "shift_relative")
LANDSCAPE_COLUMNS = ("loss_low", "loss_high", "gradient_change", "smoothness")


def measure(
    key: Mapping[str, Any], training: LabelledImages, validation: LabelledImages
) -> dict[str, Any]:
    """Train what a key describes under observation."""
    design, recipe = read_key(key)
    every = max(1, recipe.epochs * (len(training) // recipe.batch) // key["looks"])
    probes = Probes(every, every * max(1, key["looks"] // key["shift_looks"]))
    _, result = train(
        design, recipe, training, validation, key["seed"], probes.before_step, probes.after_step
    )
    return result | {"looks": [_numbers(row) for row in probes.rows]}


def rows_of(key: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the tidy rows of a run: one a look and unit, with what concerns the whole network."""
    for look in result["looks"]:
        for unit, found in look["activations"].items():
            shift = look.get("shift", {}).get(unit, {})
            yield {
                "norm": key["design"]["norm"],
                "learning_rate": key["recipe"]["learning_rate"],
                "seed": key["seed"],
                "step": look["step"],
                "layer": unit,
                "activation_mean": found["mean"],
                "activation_std": found["std"],
                "activation_drift": found["drift"],
                "gradient_norm": look["gradient_norms"][unit],
                "loss": look["loss"],
                "loss_low": look["loss_low"],
                "loss_high": look["loss_high"],
                "gradient_change": look["gradient_change"],
                "smoothness": look["smoothness"],
                "shift_relative": shift.get("relative"),
                "shift_cosine": shift.get("cosine"),
            }


def summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the median over all looks for each run, with what failed to be a number left out."""
    runs: dict[tuple[str, float, int], list[Mapping[str, Any]]] = {}
    for row in rows:
        runs.setdefault((row["norm"], row["learning_rate"], row["seed"]), []).append(row)
    return [
        {
            "norm": norm,
            "learning_rate": rate,
            "seed": seed,
            "loss_range": _median(_difference(r["loss_high"], r["loss_low"]) for r in own),
            "gradient_change": _median(r["gradient_change"] for r in own),
            "smoothness": _median(r["smoothness"] for r in own),
            "activation_drift": _median(r["activation_drift"] for r in own),
            "shift_relative": _median(r["shift_relative"] for r in own),
            "shift_cosine": _median(r["shift_cosine"] for r in own),
        }
        for (norm, rate, seed), own in runs.items()
    ]


def thinned(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what the page draws of all looks: means over the seeds, where the shift was measured.

    Returns:
        One row a norm, learning rate, step and layer; and one a norm, learning rate and step, of
        what concerns the whole network.
    """
    steps = {row["step"] for row in rows if row["shift_relative"] is not None}
    kept = [row for row in rows if row["step"] in steps]
    run = ("norm", "learning_rate", "step")
    return _means(kept, (*run, "layer"), LAYER_COLUMNS), _means(kept, run, LANDSCAPE_COLUMNS)


def _means(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], columns: Sequence[str]
) -> list[dict[str, Any]]:
    groups: dict[tuple, list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    result = []
    for group, own in groups.items():
        means = {}
        for column in columns:
            numbers = [row[column] for row in own if row[column] is not None]
            means[column] = float(f"{statistics.fmean(numbers):.4g}") if numbers else None
        result.append(dict(zip(names, group, strict=True)) | means)
    return result


def finding(runs: Sequence[Mapping[str, Any]], rate: float) -> str:
    """Say in one sentence what the medians show, at one learning rate."""

    def compared(column: str) -> str:
        none, batch = (
            [r[column] for r in runs if (r["norm"], r["learning_rate"]) == (norm, rate)]
            for norm in NORMS
        )
        if any(value is None for value in (*none, *batch)):
            return "no number"
        said = spread.verdict([spread.difference(none, batch)])
        words = {spread.YES: "less with it", spread.NO: "more with it"}.get(said, said)
        return (
            f"{statistics.fmean(batch):.3g} with BatchNorm and {statistics.fmean(none):.3g} "
            f"without ({words})"
        )

    return (
        f"At learning rate {rate:g}, medians over the training, means of the seeds: the internal "
        f"covariate shift (relative change of a layer's gradient when the layers in front of it "
        f"step) is {compared('shift_relative')}; the change of the gradient by distance "
        f"{compared('smoothness')}; the loss along the step varies by {compared('loss_range')}."
    )


def _median(values: Iterator[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return statistics.median(numbers) if numbers else None


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b


def _numbers(value: Any) -> Any:
    """Return nested numbers with four digits, and None for infinity and no number."""
    if isinstance(value, Mapping):
        return {key: _numbers(inner) for key, inner in value.items()}
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallStudy(NAME, QUESTION, arguments, seeds=3)
    looks = (2, 2) if study.options.quick else (LOOKS, SHIFT_LOOKS)
    own = {norm: study.search(Design(norm), RATES, SEARCH_SEEDS) for norm in NORMS}
    settings = [
        {"label": f"{LOW:g}", "rates": dict.fromkeys(NORMS, LOW)},
        {"label": "each its own", "rates": own},
    ]
    study.cells.clear()  # the search is that of batch_norm_speed, and shown there
    study.bfloat16 = False  # small differences of gradients are what is measured
    study.epochs = min(study.epochs, EPOCHS)
    keys = [
        study.key(Design(norm), rate, seed)
        | {"experiment": NAME, "looks": looks[0], "shift_looks": looks[1]}
        for seed in study.seeds
        for norm in NORMS
        for rate in dict.fromkeys((LOW, own[norm]))
    ]
    results = study.measure(keys, measure=measure)
    rows = [row for key, run in zip(keys, results, strict=True) for row in rows_of(key, run)]
    table = summary(rows)
    layers, landscape = thinned(rows)
    return study.conclude(
        layers,
        finding(table, LOW),
        study.seeds,
        summary=table,
        landscape=landscape,
        settings=settings,
        limits=LIMITS,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
