"""With and without BatchNorm, step by step: the race of the page, recorded.

    python -m training.experiments.batch_norm.batch_norm_race --data-dir DIR

The small NumPy network learns some thousand digits, which ship with the code, at five learning
rates, with three seeds each. All networks of a race make the same steps on the same batches.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.cells import CellGrid
from training.experiments.interval_text import percent
from zoo.batch_norm import train_side_by_side
from zoo.samples.sets import image_set

NAME = "batch_norm_race"
QUESTION = "How does the same small network learn digits with BatchNorm and without, step by step?"
RATES = (0.1, 0.01, 0.03, 0.3, 0.003)
SEEDS = (0, 1, 2)
NORMS = ("batch", "none")
STEPS, EVERY = 400, 8


def race(key: Mapping[str, Any]) -> dict[str, Any]:
    """Run one race; return the accuracies by step."""
    digits = image_set("mnist")
    laps = [
        {"step": lap.step}
        | {norm: round(lap.accuracies[norm], 4) for norm in NORMS}
        | {f"{norm}_lost": lap.step > 0 and math.isnan(lap.losses[norm]) for norm in NORMS}
        for lap in train_side_by_side(
            digits.images,
            digits.labels,
            norms=NORMS,
            learning_rate=key["learning_rate"],
            seconds=math.inf,
            steps=key["steps"],
            every_steps=key["every"],
            seed=key["seed"],
        )
    ]
    return {"laps": laps}


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    last = max(row["step"] for row in rows)
    parts = []
    for rate in sorted({row["learning_rate"] for row in rows}):
        batch, none = (
            statistics.fmean(
                row["accuracy"]
                for row in rows
                if (row["norm"], row["learning_rate"], row["step"]) == (norm, rate, last)
            )
            for norm in NORMS
        )
        parts.append(f"{percent(batch)} and {percent(none)} at learning rate {rate:g}")
    return f"After {last} steps, with BatchNorm and without: {'; '.join(parts)}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, "runs/batch_norm").parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy",))
    grid = CellGrid(options.out)
    keys = [
        {
            "experiment": NAME,
            "learning_rate": rate,
            "seed": seed,
            "steps": 16 if options.quick else STEPS,
            "every": EVERY,
        }
        for rate in RATES
        for seed in SEEDS
    ]
    rows = [
        {
            "norm": norm,
            "learning_rate": key["learning_rate"],
            "seed": key["seed"],
            "step": lap["step"],
            "accuracy": lap[norm],
        }
        for key, result in zip(keys, grid.all(keys, race), strict=True)
        for lap in result["laps"]
        for norm in NORMS
    ]
    return study.conclude(
        rows,
        finding(rows),
        SEEDS,
        limits="a constant learning rate, one small network, few digits",
        measured_on="held-out digits of the set that ships with the code",
        quick=options.quick,
        cell_commits=sorted(grid.commits),
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
