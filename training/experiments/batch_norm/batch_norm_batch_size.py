"""What happens to BatchNorm when the batch is small?

    python -m training.experiments.batch_norm.batch_norm_batch_size --data-dir DIR

The small network with BatchNorm and with GroupNorm, trained with batches of 2 to 128 images; the
learning rate is proportional to the batch (Goyal et al. 2017). Every run sees the same images
equally often. The network with BatchNorm is measured twice: with the running statistics, and with
those of batches of the size it was trained with.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from training.data.augment_images import normalize
from training.data.cifar_images import LabelledImages
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.batch_norm.small_network import Design
from training.experiments.batch_norm.small_study import SmallStudy, read_key
from training.experiments.batch_norm.small_training import train
from zoo.batch_norm import accuracy

NAME = "batch_norm_batch_size"
QUESTION = "How small may the batch be with BatchNorm, and how small with GroupNorm?"
LIMITS = (
    "One seed and two epochs. The learning rate is in proportion to the batch and the same "
    "for both norms: neither was tuned. Smaller batches also mean more steps in the same two "
    "epochs, so this is not the effect of the statistics alone."
)
SIZES = (128, 32, 8, 4, 2)
NORMS = ("batch", "group")
SEEDS = (0,)
BASE_RATE, BASE_BATCH = 0.1, 128
EPOCHS = 2  # an epoch in batches of 2 takes about five times as long as one in batches of 128


def measure(
    key: Mapping[str, Any], training: LabelledImages, validation: LabelledImages
) -> dict[str, Any]:
    """Train what a key describes; with BatchNorm measure it with batch statistics too."""
    design, recipe = read_key(key)
    network, result = train(design, recipe, training, validation, key["seed"])
    by_batch = None
    if design.norm == "batch":
        inputs = np.ascontiguousarray(normalize(torch.from_numpy(validation.images)).numpy())
        size = min(recipe.batch, len(validation))
        by_batch = accuracy(
            network, inputs, validation.labels, statistics="batch", batch_size=size
        ).accuracy
    return result | {"accuracy_batch_statistics": by_batch}


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    means: dict[tuple[str, int], float] = {}
    for norm in NORMS:
        for size in SIZES:
            own = [r["accuracy"] for r in rows if (r["norm"], r["batch"]) == (norm, size)]
            means[norm, size] = statistics.mean(own)
    largest, smallest = max(SIZES), min(SIZES)
    return (
        f"From batches of {largest} to batches of {smallest}, BatchNorm goes from "
        f"{means['batch', largest]:.1%} to {means['batch', smallest]:.1%} and GroupNorm from "
        f"{means['group', largest]:.1%} to {means['group', smallest]:.1%} on the validation "
        "images."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallStudy(NAME, QUESTION, arguments, EPOCHS)
    keys = [
        study.key(Design(norm), BASE_RATE * size / BASE_BATCH, seed, size) | {"experiment": NAME}
        for size in SIZES
        for norm in NORMS
        for seed in SEEDS
    ]
    rows = [
        {
            "norm": key["design"]["norm"],
            "batch": key["recipe"]["batch"],
            "learning_rate": key["recipe"]["learning_rate"],
            "seed": key["seed"],
            "accuracy": result["accuracy"],
            "accuracy_batch_statistics": result["accuracy_batch_statistics"],
            "diverged": result["diverged"],
            "seconds": result["seconds"],
        }
        for key, result in zip(keys, study.measure(keys, measure), strict=True)
    ]
    return study.conclude(rows, finding(rows), SEEDS, limits=LIMITS)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
