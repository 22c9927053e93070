"""Why does the validation loss jump from epoch to epoch while the training loss falls?

    python -m training.experiments.classification.validation_jumps --data-dir DIR

A small network learns from 10,000 images of CIFAR-10 with a constant learning rate or a cosine, in
batches of 32 or 256. After each epoch the loss of every validation image is kept, for the weights
as they are and for their moving average; validation sets of other sizes are drawn from these
afterwards, so that all factors are crossed. How much it jumps is the standard deviation of the
epoch-to-epoch change over the last third of the training.

Rows, one a combination and seed:

- ``schedule``: "constant" or "cosine"; ``batch``: 32 or 256.
- ``validation_images``: 250, 1000 or 5000; ``weights``: "last" or "averaged".
- ``seed``, ``learning_rate`` (own search for each schedule and batch).
- ``loss_jump``, ``accuracy_jump``: as above; for smaller validation sets the mean over draws.
- ``loss_last``, ``loss_best``, ``accuracy_last``, ``accuracy_best``, ``train_loss_last``.

``effects``: how much of the variance of log(loss_jump) each factor explains alone ({"factor",
"share", "ratio"}: ratio between the geometric means of its extreme levels), and "seed and
interactions". ``curves``: by schedule, batch and seed, a list over epochs of train_loss, loss,
accuracy, averaged_loss, averaged_accuracy, confidence (mean largest probability), wrong_loss (mean
loss of the wrong answers), right_loss: loss against accuracy, over-confidence.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from statistics import geometric_mean, mean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from training.data.cifar_images import LabelledImages
from training.engine.compute import ComputeConfig
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.classification.quick_study import QuickStudy
from training.experiments.classification.quick_training import (
    QuickRecipe,
    QuickTraining,
    compute_of,
    losses_of,
)
from training.experiments.interval_text import percent
from training.experiments.rate_search import RateSearch

NAME = "validation_jumps"
QUESTION = "Why does the validation loss jump while the training loss falls?"
SCHEDULES, BATCHES, SIZES, WEIGHTS = (
    ("constant", "cosine"), (32, 256), (250, 1000, 5000), ("last", "averaged"),
)  # fmt: skip
FACTORS = ("schedule", "batch", "validation_images", "weights")
SEARCH = RateSearch(rates=(0.01, 0.03, 0.1), seeds=(0, 1, 2))
IMAGES, EPOCHS = 10_000, 18
AVERAGED_EPOCHS = 2  # the average forgets by 1/e in so many
DRAWS = 20  # of each smaller validation set
Array = NDArray[np.float64]


def run(
    key: Mapping[str, Any], training: LabelledImages, held_out: LabelledImages
) -> dict[str, Any]:
    """Train one network; return for both kinds of weights what each epoch's validation saw."""
    compute = compute_of(key)
    one = QuickTraining(QuickRecipe.of(key), training, key["seed"], compute)
    assert one.averaged is not None
    losses: dict[str, list[Array]] = {kind: [] for kind in WEIGHTS}
    right: dict[str, list[Array]] = {kind: [] for kind in WEIGHTS}
    curve = []
    for epoch in one.epochs():
        row = {"epoch": epoch, "train_loss": one.train_loss}
        for kind, network in zip(WEIGHTS, (one.network, one.averaged), strict=True):
            loss, correct, said = look(network, held_out, compute)
            losses[kind].append(loss)
            right[kind].append(correct)
            prefix = "averaged_" if kind == "averaged" else ""
            row |= {f"{prefix}{name}": value for name, value in said.items()}
        curve.append(row)
    jumps = [
        {"weights": kind, "validation_images": size}
        | jump(np.stack(losses[kind]), np.stack(right[kind]), size)
        for kind, size in itertools.product(WEIGHTS, SIZES)
    ]
    return {"accuracy": curve[-1]["accuracy"], "jumps": jumps, "curve": curve}


def look(
    network: nn.Module, held_out: LabelledImages, compute: ComputeConfig
) -> tuple[Array, Array, dict[str, float]]:
    """Return each image's loss, whether its answer is right, and their means."""
    loss, logits = losses_of(network, held_out, compute)
    losses = loss.double().numpy()
    correct = logits.argmax(1).numpy() == held_out.labels
    confidence = logits.softmax(1).amax(1).double().numpy()
    said = {
        "loss": float(losses.mean()),
        "accuracy": float(correct.mean()),
        "confidence": float(confidence.mean()),
        "wrong_loss": float(losses[~correct].mean()) if not correct.all() else 0.0,
        "right_loss": float(losses[correct].mean()) if correct.any() else 0.0,
    }
    return losses, correct.astype(np.float64), said


def jump(losses: Array, right: Array, size: int) -> dict[str, float]:
    """Return how much loss and accuracy of a validation set change from epoch to epoch.

    Args:
        losses, right: (epochs, images).
        size: of the validation set; smaller than all images: the mean over `DRAWS` of them.
    """
    epochs, images = losses.shape
    rng, size = np.random.default_rng(size), min(size, images)
    draws = [rng.permutation(images)[:size] for _ in range(DRAWS if size < images else 1)]
    late = slice(-max(3, epochs // 3), None)

    def deviation(values: Array) -> float:
        return float(np.std(np.diff(values[late])))

    means = [(losses[:, d].mean(axis=1), right[:, d].mean(axis=1)) for d in draws]
    return {
        "loss_jump": mean(deviation(loss) for loss, _ in means),
        "accuracy_jump": mean(deviation(accuracy) for _, accuracy in means),
        "loss_last": mean(float(loss[-1]) for loss, _ in means),
        "loss_best": mean(float(loss.min()) for loss, _ in means),
        "accuracy_last": mean(float(accuracy[-1]) for _, accuracy in means),
        "accuracy_best": mean(float(accuracy.max()) for _, accuracy in means),
    }


def effects(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return which share of the variance of log(loss_jump) each factor explains alone.

    The design is balanced, so that the shares of the factors' main effects add up (analysis of
    variance); what is left is seeds and interactions.
    """
    logs = np.log([max(row["loss_jump"], 1e-9) for row in rows])
    total = float(((logs - logs.mean()) ** 2).sum()) or 1.0
    found, explained = [], 0.0
    for factor in FACTORS:
        levels: dict[Any, list[float]] = {
            level: [] for level in dict.fromkeys(row[factor] for row in rows)
        }
        for row, value in zip(rows, logs, strict=True):
            levels[row[factor]].append(value)
        means = [mean(values) for values in levels.values()]
        share = sum(len(v) * (mean(v) - logs.mean()) ** 2 for v in levels.values()) / total
        explained += share
        ratio = float(np.exp(max(means) - min(means)))
        found.append({"factor": factor, "share": float(share), "ratio": ratio})
    return [*found, {"factor": "seed and interactions", "share": 1 - explained, "ratio": None}]


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""
    ranked = sorted(effects(rows)[:-1], key=lambda effect: -effect["share"])
    told = ", ".join(
        f"{e['factor'].replace('_', ' ')} {percent(e['share'], 0)} (×{e['ratio']:.1f})"
        for e in ranked
    )
    plain = [r for r in rows if r["weights"] == "last" and r["validation_images"] == max(SIZES)]
    constant, cosine = (
        geometric_mean([max(r["loss_jump"], 1e-9) for r in plain if r["schedule"] == schedule])
        for schedule in SCHEDULES
    )
    return (
        f"Of the variance of log(jump) explain: {told}. With all validation images and the last "
        f"weights the loss jumps by {constant:.3f} from epoch to epoch at a constant learning rate "
        f"and by {cosine:.3f} at the end of a cosine."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = QuickStudy(NAME, QUESTION, arguments, SEARCH)
    variants = [
        study.variant(
            IMAGES, schedule=schedule, batch=batch, epochs=EPOCHS, norm="batch", flip=True,
            translate=2, averaging=1 - 1 / (AVERAGED_EPOCHS * IMAGES / batch),
        )
        for schedule, batch in itertools.product(SCHEDULES, BATCHES)
    ]  # fmt: skip
    rows, curves = [], []
    for one, (schedule, batch) in zip(
        study.train(variants, run), itertools.product(SCHEDULES, BATCHES), strict=True
    ):
        for seed, result in one.results.items():
            name = {"schedule": schedule, "batch": batch, "seed": seed}
            more = {"learning_rate": one.learning_rate}
            more["train_loss_last"] = result["curve"][-1]["train_loss"]
            rows += [name | more | found for found in result["jumps"]]
            curves.append(name | {"epochs": result["curve"]})
    limits = (
        f"a small network with BatchNorm on {IMAGES:,} images, {EPOCHS} epochs; smaller validation "
        f"sets are {DRAWS} draws from the same 5,000 images"
    )
    return study.conclude(
        rows, finding(rows), study.search.seeds, effects=effects(rows), curves=curves, limits=limits
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
