"""What does it cost not to shuffle the training images?

    python -m training.experiments.classification.data_order --data-dir DIR

The small network learns the same images in four orders, each with its own learning rate.

Rows, one an order and seed:

- ``order``: "shuffled each epoch", "shuffled once", "sorted by class", "equal random numbers in all
  workers" (shuffled; but each image of a round of workers gets the same flip and shift).
- ``seed``, ``learning_rate``.
- ``train_loss``: of the last epoch; ``accuracy``, ``loss``: on the validation images.
- ``classes_in_batch``: how many classes a batch holds on average.

``curves``: by order and seed, validation accuracy and loss after each epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from statistics import mean
from typing import Any

import torch

from training.data.augment_images import Draws, generator
from training.data.cifar_images import LabelledImages
from training.data.image_batches import Batch, Plan
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.classification.quick_study import QuickStudy
from training.experiments.classification.quick_training import (
    QuickRecipe,
    QuickTraining,
    compute_of,
    measure,
)
from training.experiments.interval_text import percent, tie_sentence, ties
from training.experiments.rate_search import RateSearch

NAME = "data_order"
QUESTION = "What does it cost not to shuffle the training images?"
ORDERS = (
    "shuffled each epoch", "shuffled once", "sorted by class",
    "equal random numbers in all workers",
)  # fmt: skip
SEARCH = RateSearch(rates=(0.02, 0.06, 0.2), seeds=(0, 1, 2))
IMAGES, EPOCHS = 10_000, 8
WORKERS = 4  # whose random numbers are equal, in the fourth order


def batches(plan: Plan, order: str, epoch: int) -> Iterator[Batch]:
    """Yield an epoch's batches in one of `ORDERS`, flipped and shifted."""
    total, size = len(plan.labels), plan.images.shape[1]
    for step in range(plan.steps):
        chosen = sequence(plan, order, epoch)[step * plan.batch : (step + 1) * plan.batch]
        draws = plan.augmentation.draw(chosen, total, size, (plan.seed, epoch, step))
        if order == "equal random numbers in all workers":
            draws = same_numbers(draws)
        yield plan.augmentation(plan.images[chosen], draws), plan.labels[chosen]


def sequence(plan: Plan, order: str, epoch: int) -> torch.Tensor:
    """Return the order of all images in an epoch."""
    if order == "sorted by class":
        return torch.argsort(plan.labels, stable=True)
    once = order == "shuffled once"
    return torch.randperm(len(plan.labels), generator=generator(plan.seed, 0 if once else epoch))


def same_numbers(draws: Draws) -> Draws:
    """Give each of `WORKERS` neighbours the numbers of the first of them."""
    first = torch.arange(len(draws.flips)) // WORKERS * WORKERS
    return draws[first]


def run(
    key: Mapping[str, Any], training: LabelledImages, held_out: LabelledImages
) -> dict[str, Any]:
    """Train one network in one order."""
    compute = compute_of(key)
    one = QuickTraining(QuickRecipe.of(key), training, key["seed"], compute)
    order = partial(batches, one.plan, key["order"])
    curve = [
        {"epoch": epoch, "train_loss": one.train_loss} | measure(one.network, held_out, compute)
        for epoch in one.epochs(order)
    ]
    classes = [float(len(labels.unique())) for _, labels in order(0)]
    return curve[-1] | {"classes_in_batch": mean(classes), "curve": curve}


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""

    values = {o: [row["accuracy"] for row in rows if row["order"] == o] for o in ORDERS}
    told = "; ".join(f"{percent(values[order])} {order}" for order in ORDERS)
    seeds = len({row["seed"] for row in rows})
    return (
        f"Validation accuracy, mean of {seeds} seeds and 95 % interval: {told}."
        f"{tie_sentence(ties(values, ORDERS[0]), ORDERS[0])}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = QuickStudy(NAME, QUESTION, arguments, SEARCH)
    variants = [
        study.variant(IMAGES, order=o, epochs=EPOCHS, norm="batch", flip=True, translate=2)
        for o in ORDERS
    ]
    rows, curves = [], []
    for one in study.train(variants, run):
        for seed, result in one.results.items():
            name = {"order": one.variant["order"], "seed": seed}
            shown = ("train_loss", "accuracy", "loss", "classes_in_batch")
            values = {column: result[column] for column in shown}
            rows.append(name | {"learning_rate": one.learning_rate} | values)
            curves.append(name | {"epochs": result["curve"]})
    limits = f"a small network with BatchNorm, {IMAGES:,} images, {EPOCHS} epochs"
    return study.conclude(rows, finding(rows), study.search.seeds, curves=curves, limits=limits)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
