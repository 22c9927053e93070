"""Where does BatchNorm belong, and does a residual network need it?

    python -m training.experiments.batch_norm.batch_norm_where --data-dir DIR

The small network, changed in one thing at a time: the norm before or after the activation, on the
output layer too, with a bias in the convolutions; and as a residual network, with BatchNorm and
without. What has no norm is trained at the lower learning rate as well.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.batch_norm.small_network import Design
from training.experiments.batch_norm.small_study import SmallStudy, network_facts

NAME = "batch_norm_where"
QUESTION = "Where does BatchNorm help: before or after the activation, on the output, with a bias?"
LIMITS = (
    "Two seeds, seven epochs, one small network. The variants with BatchNorm ran at one "
    "learning rate, those without at two. Differences of a point are a tie: the two seeds of "
    "one variant lie as far apart."
)
SEEDS = (0, 1)
RATE, LOW_RATE = 0.1, 0.02
VARIANTS: dict[str, Design] = {
    "before the activation": Design(),
    "after the activation": Design(position="after"),
    "with a convolution bias": Design(bias=True),
    "on the output layer too": Design(output_norm=True),
    "none": Design(norm="none"),
    "residual, BatchNorm": Design(residual=True),
    "residual, none": Design(norm="none", residual=True),
}


def means(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return each variant's best mean over the seeds and the learning rate that gave it."""
    best: dict[str, tuple[float, float]] = {}
    for variant in VARIANTS:
        for rate in (RATE, LOW_RATE):
            own = [
                row["accuracy"]
                for row in rows
                if row["variant"] == variant and row["learning_rate"] == rate
            ]
            if own and statistics.mean(own) > best.get(variant, (-1.0, 0.0))[0]:
                best[variant] = (statistics.mean(own), rate)
    return best


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    best = means(rows)
    parts = "; ".join(f"{name} {value:.1%}" for name, (value, _) in best.items())
    return f"Accuracy on the validation images, mean of {len(SEEDS)} seeds: {parts}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallStudy(NAME, QUESTION, arguments)
    plan = [
        (variant, study.key(design, rate, seed))
        for seed in SEEDS
        for variant, design in VARIANTS.items()
        for rate in ((RATE, LOW_RATE) if design.norm == "none" else (RATE,))
    ]
    results = study.measure([key for _, key in plan])
    rows = [
        {
            "variant": variant,
            "residual": key["design"]["residual"],
            "learning_rate": key["recipe"]["learning_rate"],
            "seed": key["seed"],
            "accuracy": result["accuracy"],
            "loss": result["epochs"][-1]["loss"],
            "diverged": result["diverged"],
            "seconds": result["seconds"],
        }
        for (variant, key), result in zip(plan, results, strict=True)
    ]
    residual = next(key for key in study.keys if key["design"]["residual"])
    return study.conclude(
        rows, finding(rows), SEEDS, residual_network=network_facts(residual), limits=LIMITS
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
