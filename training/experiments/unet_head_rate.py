"""How fast should the last layer of a small U-Net learn?

    python -m training.experiments.unet_head_rate --data-dir DIR

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

from training import carvana
from training.errors import run_command
from training.experiments import command
from training.experiments import unet_training as unets
from training.predict_masks import Held
from training.records import provenance

NAME = "unet_head_rate"
QUESTION = "How fast should the last layer of a small U-Net learn?"
TIMES = (1, 8)  # the recipe's rate of the last layer is multiplied by these


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""
    slow, fast = (
        {
            column: unets.mean(rows, column, times=times)
            for column in ("iou", "boundary_iou", "train_loss")
        }
        for times in (min(TIMES), max(TIMES))
    )
    return (
        f"With {max(TIMES)} times the learning rate in the last layer alone, a short training ends "
        f"at a training loss of {fast['train_loss']:.3f} instead of {slow['train_loss']:.3f}. "
        f"Validation IoU is {fast['iou']:.4f} instead of {slow['iou']:.4f}, Boundary IoU "
        f"{fast['boundary_iou']:.4f} instead of {slow['boundary_iou']:.4f} (means of "
        f"{len(unets.SEEDS)} seeds)."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options, short = unets.parse(QUESTION, arguments)
    recipe = replace(unets.of_the_studio(short), context=carvana.RECIPE.context)
    record = provenance(carvana.PACKAGES)
    sources, held = carvana.read_sources(options.data_dir)
    held = Held(held.studio)  # who learned in the studio alone is not asked about streets
    where, rows = unets.machine(), []
    for seed in unets.SEEDS:
        for times in TIMES:
            folder = options.out / f"head-times-{times}-seed-{seed}"
            result = unets.train(
                replace(recipe, head_factor=float(times)), sources, held, where, seed, folder
            )
            loss = result["history"][-1]["train"]["loss"]
            rows.append(
                {"times": times, "seed": seed, "train_loss": loss} | unets.metrics_of(result)
            )
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
