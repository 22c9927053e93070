"""What happens to BatchNorm when the batch is small?

    python -m training.experiments.batch_norm.batch_norm_batch_size --data-dir DIR

The small network with BatchNorm, GroupNorm and LayerNorm, trained with batches of 2 to 128 images.
All see the same number of images; each norm has its own learning rate at each batch size, from the
same search around a rate that is proportional to the batch (Goyal et al. 2017). The network with
BatchNorm is measured three times: with the running statistics, with those of batches of the size
it was trained with, and with running statistics that were computed anew at the end, over batches of
hundreds (Wu & Johnson 2021, "PreciseBN").
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from training.data.augment_images import normalize
from training.data.cifar_images import LabelledImages
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.batch_norm.small_network import Design
from training.experiments.batch_norm.small_study import SmallStudy, read_key
from training.experiments.batch_norm.small_training import measure as evaluate
from training.experiments.batch_norm.small_training import train
from training.experiments.interval_text import percent
from zoo.batch_norm import accuracy

NAME = "batch_norm_batch_size"
QUESTION = "How small may the batch be with BatchNorm, GroupNorm and LayerNorm?"
SIZES = (128, 32, 8, 2)
NORMS = ("batch", "group", "layer")
BASE_RATE, BASE_BATCH = 0.1, 128
FACTORS = (0.5, 1.0, 2.0, 4.0, 8.0)  # times the rate proportional to the batch
IMAGES, EPOCHS = 10_000, 10  # an epoch in batches of 2 takes long
PRECISE, PRECISE_BATCH = 5000, 500  # images behind the corrected statistics
PUBLISHED = {
    "points": 10.6,  # 34.7 % errors with BatchNorm, 24.1 % with GroupNorm
    "source": "Wu & He 2018, table 2: ResNet-50 on ImageNet, batches of 2 images a GPU",
    "url": "https://arxiv.org/abs/1803.08494",
}


def measure(
    key: Mapping[str, Any], training: LabelledImages, validation: LabelledImages
) -> dict[str, Any]:
    """Train what a key describes; with BatchNorm measure it with three kinds of statistics."""
    design, recipe = read_key(key)
    network, result = train(design, recipe, training, validation, key["seed"])
    if design.norm != "batch":
        return result | {"accuracy_batch_statistics": None, "accuracy_corrected": None}
    inputs = np.ascontiguousarray(normalize(torch.from_numpy(validation.images)).numpy())
    size = min(recipe.batch, len(validation))
    by_batch = accuracy(
        network, inputs, validation.labels, statistics="batch", batch_size=size
    ).accuracy
    corrected = evaluate(with_precise_statistics(network, training.images), validation)
    return result | {
        "accuracy_batch_statistics": by_batch,
        "accuracy_corrected": corrected["accuracy"],
    }


def with_precise_statistics(network: nn.Module, images: np.ndarray) -> nn.Module:
    """Return a copy whose running statistics are means over large batches, all of equal weight.

    Args:
        network: it is left as it is.
        images: uint8 (N, H, W, 3), to compute them from.
    """
    twin = copy.deepcopy(network).train()
    for module in twin.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.reset_running_stats()
            module.momentum = None  # PyTorch: a cumulative mean
    few = images[:PRECISE]
    with torch.no_grad():
        for first in range(0, len(few), PRECISE_BATCH):
            twin(normalize(torch.from_numpy(few[first : first + PRECISE_BATCH])))
    return twin.eval()


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""

    def mean(norm: str, size: int, column: str = "accuracy") -> float:
        return statistics.fmean(
            row[column]
            for row in rows
            if (row["stage"], row["norm"], row["batch"]) == ("final", norm, size)
        )

    large, small = max(SIZES), min(SIZES)
    ahead = 100 * (mean("group", small) - mean("batch", small))
    return (
        f"From batches of {large} to batches of {small}, BatchNorm goes from "
        f"{percent(mean('batch', large))} to {percent(mean('batch', small))} "
        f"({percent(mean('batch', small, 'accuracy_corrected'))} with corrected statistics), "
        f"GroupNorm from {percent(mean('group', large))} to {percent(mean('group', small))}, "
        f"LayerNorm from {percent(mean('layer', large))} to {percent(mean('layer', small))}. At "
        f"{small}, GroupNorm against BatchNorm: {ahead:+.1f} points; a ResNet-50 on ImageNet: "
        f"{PUBLISHED['points']:+.1f}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallStudy(NAME, QUESTION, arguments, EPOCHS, seeds=3, images=IMAGES)
    for size in SIZES:
        ladder = [BASE_RATE * size / BASE_BATCH * factor for factor in FACTORS]
        rates = {norm: study.search(Design(norm), ladder, batch=size) for norm in NORMS}
        for seed in study.seeds:
            keys = [study.key(Design(norm), rates[norm], seed, size) for norm in NORMS]
            study.measure([key | {"experiment": NAME} for key in keys], measure=measure)
    rows = [
        {"norm": cell.key["design"]["norm"], "batch": cell.key["recipe"]["batch"]}
        | cell.row()
        | {
            name: cell.result.get(name)
            for name in ("accuracy_batch_statistics", "accuracy_corrected")
        }
        for cell in study.cells
    ]
    return study.conclude(
        rows,
        finding(rows),
        study.seeds,
        published=PUBLISHED,
        limits=f"a small network of six layers, where the published one has 50, and "
        f"{len(study.training):,} images; a step is made from the images whose statistics are "
        "taken, where in the paper eight processors with two images each share a step",
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
