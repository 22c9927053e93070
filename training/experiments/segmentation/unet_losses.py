"""Which loss suits a mask?

    python -m training.experiments.segmentation.unet_losses --data-dir DIR

The same U-Net, trained on the same images with binary cross-entropy, soft Dice, both, and focal
loss (`training.metrics.mask_losses`). Each is measured at its own best threshold: a loss may put
the boundary at another probability than ½.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.interval_text import percent
from training.experiments.segmentation.unet_study import SEEDS, UnetStudy, mean, metrics_of
from training.metrics.mask_losses import LOSSES

NAME = "unet_losses"
QUESTION = "Which loss suits a mask: cross-entropy, Dice, both, or focal?"
LIMITS = (
    "Two seeds, 24 images of three cars, and one learning rate for all losses. The seeds lie "
    "as far from their mean as most losses from each other, so the order is hardly certain; "
    "on the street photos (street_iou) it is another one."
)


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    means = {loss: mean(rows, "iou", loss=loss) for loss in LOSSES}
    ordered = sorted(means, key=lambda loss: -means[loss])
    spread = max(
        abs(row["iou"] - means[row["loss"]]) for row in rows
    )  # of the seeds around their mean
    names = ", ".join(f"{loss} {percent(means[loss], 2)}" for loss in ordered)
    return (
        f"Validation IoU after the same short training: {names} (means of {len(SEEDS)} "
        f"seeds, which differ from their mean by up to {100 * spread:.2f} points)."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study, rows = UnetStudy(NAME, QUESTION, arguments), []
    for seed in SEEDS:
        for loss in LOSSES:
            # The recipe's own loss shares its run with unet_skips.
            own = "skips-true" if loss == study.recipe.loss else f"loss-{loss}"
            result = study.train(replace(study.recipe, loss=loss), seed, f"{own}-seed-{seed}")
            rows.append({"loss": loss, "seed": seed} | metrics_of(result))
    return study.conclude(rows, finding(rows), SEEDS, limits=LIMITS)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
