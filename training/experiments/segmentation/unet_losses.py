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

from training.carvana import carvana_recipe
from training.engine.failures import run_command
from training.engine.provenance import provenance
from training.experiments import command
from training.experiments.segmentation import unet_training as unets
from training.metrics.mask_losses import LOSSES

NAME = "unet_losses"
QUESTION = "Which loss suits a mask: cross-entropy, Dice, both, or focal?"


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    means = {loss: unets.mean(rows, "iou", loss=loss) for loss in LOSSES}
    ordered = sorted(means, key=lambda loss: -means[loss])
    spread = max(
        abs(row["iou"] - means[row["loss"]]) for row in rows
    )  # of the seeds around their mean
    names = ", ".join(f"{loss} {means[loss]:.4f}" for loss in ordered)
    return (
        f"Validation IoU after the same short training: {names} (means of {len(unets.SEEDS)} "
        f"seeds, which differ from their mean by up to {spread:.4f})."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options, recipe = unets.parse(QUESTION, arguments)
    record = provenance(carvana_recipe.PACKAGES)
    sources, held = carvana_recipe.read_sources(options.data_dir)
    where, rows = unets.compute(), []
    for seed in unets.SEEDS:
        for loss in LOSSES:
            # The recipe's own loss shares its run with unet_skips.
            own = "skips-true" if loss == recipe.loss else f"loss-{loss}"
            folder = options.out / f"{own}-seed-{seed}"
            result = unets.train(replace(recipe, loss=loss), sources, held, where, seed, folder)
            rows.append({"loss": loss, "seed": seed} | unets.metrics_of(result))
    return command.conclude(
        options,
        NAME,
        question=QUESTION,
        finding=finding(rows),
        rows=rows,
        record=record,
        seeds=unets.SEEDS,
        **unets.facts(options, recipe, held),
    )


if __name__ == "__main__":
    run_command(main)
