"""Good in training and poor in testing: what closes the gap?

    python -m training.experiments.classification.generalization_gap --data-dir DIR

A plain network learns from 5,000 images of CIFAR-10 until it knows them by heart. Each remedy is
added alone, and then one after another, in an order that was fixed before anything was measured.
Every variant has its own learning rate and the same number of steps. Half of the validation
images choose the learning rates and the epoch of early stopping; all figures are of the other
half.

Rows, one a variant and seed:

- ``variant``: "plain", "flip and shift", "cutout", "weight decay", "dropout", "label smoothing",
  "BatchNorm", "smaller network", "early stopping", "nine times the data"; in the second series
  "+ flip and shift" and so on.
- ``series``: "alone" ("plain" belongs to it) or "one after another"; ``place``: 0, 1, … in it.
- ``seed``, ``learning_rate``, ``parameters``, ``images``.
- ``train_accuracy``, ``train_loss``: of the training images, as they are, in evaluation mode.
- ``accuracy``, ``loss``: of the held-out images.
- ``gap``: train_accuracy − accuracy; ``stopped_at``: the epoch (null unless it stops early).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from training.data.cifar_images import LabelledImages
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.classification.quick_study import QuickStudy
from training.experiments.classification.quick_training import (
    QuickRecipe,
    QuickTraining,
    compute_of,
    parameters,
)
from training.experiments.classification.quick_training import measure as quality
from training.experiments.interval_text import percent, tie_sentence, ties
from training.experiments.rate_search import RateSearch, Trained

NAME = "generalization_gap"
QUESTION = "Good in training and poor in testing: what closes the gap?"
IMAGES, STEPS, EVERY = 5_000, 1_170, 117  # an epoch of 5,000 images has 39 steps
SEARCH = RateSearch(rates=(0.02, 0.06, 0.2), seeds=(0, 1, 2), score="chooses")
REMEDIES: dict[str, dict[str, Any]] = {  # in the order in which they are piled up
    "flip and shift": {"flip": True, "translate": 2},
    "BatchNorm": {"norm": "batch"},
    "weight decay": {"weight_decay": 5e-3},
    "cutout": {"cutout": 8},
    "label smoothing": {"smoothing": 0.1},
    "dropout": {"dropout": 0.3},
    "nine times the data": {"images": 9 * IMAGES},
}
SMALLER = {"widths": [16, 32, 64]}  # alone only: piled up it would take back what the others need


def variants(study: QuickStudy) -> list[dict[str, Any]]:
    """Return all variants, those without a remedy and with one first."""

    def one(variant: str, series: str, place: int, settings: Mapping[str, Any]) -> dict[str, Any]:
        images = settings.get("images", IMAGES)
        images = min(images, len(study.everything))
        epochs = max(1, round(STEPS / (images / QuickRecipe.batch)))
        others = {name: value for name, value in settings.items() if name != "images"}
        named = {"variant": variant, "series": series, "place": place}
        return study.variant(images, epochs=epochs, **named, **others)

    alone = {"plain": {}, **REMEDIES, "smaller network": SMALLER}
    found = [one(name, "alone", place, how) for place, (name, how) in enumerate(alone.items())]
    piled: dict[str, Any] = {}
    for place, (name, how) in enumerate(REMEDIES.items(), start=1):
        piled = piled | how
        if place > 1:  # the first of them alone is the same network
            found.append(one(f"+ {name}", "one after another", place, piled))
    return found


def run(
    key: Mapping[str, Any], training: LabelledImages, held_out: LabelledImages
) -> dict[str, Any]:
    """Train one variant; return what it is worth, in the end and where it would stop early."""
    compute = compute_of(key)
    one = QuickTraining(QuickRecipe.of(key), training, key["seed"], compute)
    chooses, counts = held_out[: len(held_out) // 2], held_out[len(held_out) // 2 :]
    learned = training[: len(counts)]
    every = max(1, round(EVERY / max(1, one.plan.steps)))
    curve: list[dict[str, Any]] = [
        {"epoch": epoch, "chooses": quality(one.network, chooses, compute)}
        | {"train": quality(one.network, learned, compute)}
        | {"held_out": quality(one.network, counts, compute)}
        for epoch in one.epochs()
        if epoch % every == 0 or epoch == one.recipe.epochs or one.diverged
    ]
    return {
        "chooses": curve[-1]["chooses"]["accuracy"],
        "parameters": parameters(one.network),
        "diverged": one.diverged,
        "curve": curve,
    }


def row(one: Trained, seed: int, early: bool = False) -> dict[str, Any]:
    """Return the row of a training: of its end, or of where it would stop early."""
    result, variant = one.results[seed], one.variant
    point = (
        min(result["curve"], key=lambda p: p["chooses"]["loss"]) if early else result["curve"][-1]
    )
    train, held = point["train"], point["held_out"]
    return {
        "variant": "early stopping" if early else variant["variant"],
        "series": variant["series"],
        "place": variant["place"],
        "seed": seed,
        "learning_rate": one.learning_rate,
        "parameters": result["parameters"],
        "images": variant["images"],
        "train_accuracy": train["accuracy"],
        "train_loss": train["loss"],
        "accuracy": held["accuracy"],
        "loss": held["loss"],
        "gap": round(train["accuracy"] - held["accuracy"], 5),
        "stopped_at": point["epoch"] if early else None,
    }


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""

    def of(variant: str, column: str) -> float:
        return mean(row[column] for row in rows if row["variant"] == variant)

    names = {row["variant"] for row in rows if row["series"] == "alone"} - {"plain"}
    best = sorted(names, key=lambda name: -of(name, "accuracy"))
    last = max(rows, key=lambda row: (row["series"] == "one after another", row["place"]))
    values = {
        name: [row["accuracy"] for row in rows if row["variant"] == name]
        for name in ("plain", *best)
    }
    told = ", ".join(f"{name} {percent(values[name])}" for name in best)
    return (
        f"The plain network gets {percent(of('plain', 'train_accuracy'))} of its {IMAGES:,} "
        f"training images right and {percent(of('plain', 'accuracy'))} of others; alone, on "
        f"others: {told}.{tie_sentence(ties(values, 'plain'), 'plain')} One "
        f"after another, the remedies take it to {percent(of(last['variant'], 'accuracy'))} with a "
        f"gap of {100 * of(last['variant'], 'gap'):.1f} points."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = QuickStudy(NAME, QUESTION, arguments, SEARCH)
    trained = study.train(variants(study), run)
    rows = [row(one, seed) for one in trained for seed in one.results]
    plain = trained[0]
    stopped = [row(plain, seed, early=True) for seed in plain.results]
    rows += [r | {"place": len(REMEDIES) + 2} for r in stopped]
    curves = [
        {"variant": one.variant["variant"], "seed": seed, "epochs": result["curve"]}
        for one in trained
        for seed, result in one.results.items()
    ]
    limits = (
        "a small network; one strength of each remedy; one half of the validation images chose "
        "learning rates and epochs, all figures are of the other"
    )
    return study.conclude(rows, finding(rows), study.search.seeds, curves=curves, limits=limits)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
