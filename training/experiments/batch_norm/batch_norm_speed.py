"""Does a network train faster with BatchNorm, and does it need BatchNorm for that?

    python -m training.experiments.batch_norm.batch_norm_speed --data-dir DIR

The small network of these experiments on CIFAR-10, with four kinds of normalization, at three
learning rates, with two seeds: 24 trainings. A stopped run goes on where it was.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.batch_norm.small_network import NORMS, Design
from training.experiments.batch_norm.small_study import SmallStudy, network_facts

NAME = "batch_norm_speed"
QUESTION = (
    "How fast does the same network train with BatchNorm, GroupNorm, LayerNorm and without a norm?"
)
RATES = (0.1, 0.02, 0.5)  # the first cells show soonest whether all is well
SEEDS = (0, 1)
TITLES = {"none": "no norm", "batch": "BatchNorm", "group": "GroupNorm", "layer": "LayerNorm"}


def milestone(curve: Sequence[dict[str, Any]], steps: int) -> float:
    """Return the accuracy after a quarter of the training: how fast it began.

    Args:
        curve: a result's ``epochs``.
        steps: epochs that were planned.
    """
    return float(curve[min(len(curve), max(1, steps // 4)) - 1]["accuracy"])


def rows_of(keys: Sequence[dict[str, Any]], results: Sequence[dict[str, Any]]) -> list[dict]:
    """Return the tidy table, one row a training."""
    return [
        {
            "norm": key["design"]["norm"],
            "learning_rate": key["recipe"]["learning_rate"],
            "seed": key["seed"],
            "accuracy": result["accuracy"],
            "accuracy_after_quarter": milestone(result["epochs"], key["recipe"]["epochs"]),
            "diverged": result["diverged"],
            "seconds": result["seconds"],
        }
        for key, result in zip(keys, results, strict=True)
    ]


def mean_accuracy(rows: Sequence[dict[str, Any]], column: str = "accuracy") -> dict:
    """Return the mean over seeds by (norm, learning rate)."""
    groups: dict[tuple[str, float], list[float]] = {}
    for row in rows:
        groups.setdefault((row["norm"], row["learning_rate"]), []).append(row[column])
    return {group: statistics.mean(values) for group, values in groups.items()}


def finding(rows: Sequence[dict[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    means, early = mean_accuracy(rows), mean_accuracy(rows, "accuracy_after_quarter")
    parts = []
    for norm in NORMS:
        own = {rate: value for (name, rate), value in means.items() if name == norm}
        best = max(own, key=lambda rate: own[rate])
        parts.append(
            f"{TITLES[norm]} {own[best]:.1%} at learning rate {best:g} "
            f"({early[norm, best]:.1%} after a quarter)"
        )
    spread = {
        norm: max(v for (n, _), v in means.items() if n == norm)
        - min(v for (n, _), v in means.items() if n == norm)
        for norm in ("none", "batch")
    }
    seeds = len({row["seed"] for row in rows})
    return (
        f"At its best learning rate of {len(RATES)}, mean of {seeds} seeds: {'; '.join(parts)}. "
        f"Between the best and the worst learning rate lie {100 * spread['none']:.1f} points "
        f"without a norm and {100 * spread['batch']:.1f} with BatchNorm."
    )


def limits(rows: Sequence[dict[str, Any]]) -> str:
    """Say what the table does not show."""
    means = mean_accuracy(rows)
    best = max((rate for norm, rate in means if norm == "batch"), key=lambda r: means["batch", r])
    beyond = "BatchNorm's best is the largest tried, so a larger one may be better. "
    return (
        f"{len({row['seed'] for row in rows})} seeds and one small network. Each norm has the best "
        f"of {len(RATES)} learning rates, chosen on the images that it is reported on. "
        f"{beyond if best == max(RATES) else ''}"
        "A training that learns nothing counts with its accuracy, which is chance."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallStudy(NAME, QUESTION, arguments)
    keys = [
        study.key(Design(norm), rate, seed) for seed in SEEDS for rate in RATES for norm in NORMS
    ]
    rows = rows_of(keys, study.measure(keys))
    bare = next(key for key in keys if key["design"]["norm"] == "none")
    return study.conclude(
        rows,
        finding(rows),
        SEEDS,
        limits=limits(rows),
        curves=study.curves(),
        network=network_facts(bare),
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
