"""How fast should the last layer of a small U-Net learn?

    python -m training.experiments.segmentation.unet_head_rate --data-dir DIR

The same U-Net learns from the same studio photos with the last layer's rate as the recipe has it,
and higher; the other layers keep theirs.

Why it should matter (a reason, which is not measured here): AdamW moves a weight by about its
learning rate a step, and the last layer of a small network has few inputs (24), so that its logits
stay near zero for long. Until then every pixel pulls at the weights, not only those that are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.interval_text import percent
from training.experiments.segmentation.unet_study import (
    CONTEXT,
    SEEDS,
    UnetStudy,
    mean,
    metrics_of,
)

NAME = "unet_head_rate"
QUESTION = "How fast should the last layer of a small U-Net learn?"
LIMITS = (
    "Two seeds, whose gains differ by a factor of four, so the size of the gain is uncertain; "
    "only the last layer's rate was changed, to one other value. Trainings ran side by side, "
    "so the seconds say nothing. The shipped network has the usual rate."
)
TIMES = (1, 8)  # the recipe's rate of the last layer is multiplied by these


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""
    slow, fast = (
        {
            column: mean(rows, column, times=times)
            for column in ("iou", "boundary_iou", "train_loss")
        }
        for times in (min(TIMES), max(TIMES))
    )
    return (
        f"With {max(TIMES)} times the learning rate in the last layer alone, a short training ends "
        f"at a training loss of {fast['train_loss']:.3f} instead of {slow['train_loss']:.3f}. "
        f"Validation IoU is {percent(fast['iou'], 2)} instead of {percent(slow['iou'], 2)}, "
        f"Boundary IoU {percent(fast['boundary_iou'], 2)} instead of "
        f"{percent(slow['boundary_iou'], 2)} (means of "
        f"{len(SEEDS)} seeds)."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study, rows = UnetStudy(NAME, QUESTION, arguments, studio_alone=True), []
    study.recipe = replace(study.recipe, context=CONTEXT)
    for seed in SEEDS:
        for times in TIMES:
            recipe = replace(study.recipe, head_factor=float(times))
            result = study.train(recipe, seed, f"head-times-{times}-seed-{seed}")
            loss = result["history"][-1]["train"]["loss"]
            rows.append({"times": times, "seed": seed, "train_loss": loss} | metrics_of(result))
    return study.conclude(rows, finding(rows), SEEDS, limits=LIMITS)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
