"""What a training record says, for whoever shows it: the app's pages and the model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The metric that a model leads with, by its task.
METRIC = {"classification": "accuracy", "segmentation": "iou"}
# The same for a record, which does not name its task: the first of these that it has.
LEADING = (*METRIC.values(), "dice", "boundary_iou")
_HANDICAPS = {
    "augmentation": "distorted pictures",
    "dropout": "dropout",
    "label_smoothing": "smoothed labels",
}


def headline(record: Mapping[str, Any]) -> tuple[str, float, int]:
    """Return name, value (a fraction) and n of the test metric that a record leads with.

    Args:
        record: A model's ``record.json``.

    Example:
        >>> headline({"metrics": {"test": {"n": 10, "dice": 0.8, "iou": 0.7}}})
        ('iou', 0.7, 10)
    """
    test = record["metrics"]["test"]
    name = next(metric for metric in LEADING if metric in test)
    return name, test[name], test["n"]


def curve(record: Mapping[str, Any], part: str, name: str) -> list[tuple[int, float]]:
    """Return how a value developed in training, as (epoch, value), [] if it was not recorded.

    A final run learns from the validation pictures too, and has nothing left to be validated on;
    its validation curve is that of the run with the same recipe before it.

    Args:
        record: A model's ``record.json``.
        part: ``"train"`` or ``"validation"``.
        name: ``"loss"``, or a metric.

    Example:
        >>> history = [{"epoch": 1, "train": {"loss": 2.0}}, {"epoch": 2, "train": {"loss": 1.0}}]
        >>> curve({"history": history}, "train", "loss")
        [(1, 2.0), (2, 1.0)]
    """
    histories = [record["history"]]
    if part == "validation":
        histories.append((record.get("validation_run") or {}).get("history", []))
    for history in histories:
        points = [(row["epoch"], (row.get(part) or {}).get(name)) for row in history]
        if found := [(epoch, value) for epoch, value in points if value is not None]:
            return found
    return []


def class_accuracy(record: Mapping[str, Any]) -> list[float]:
    """Return the share of each class's test pictures that got the right answer, in [0, 1].

    Args:
        record: A classifier's ``record.json``.

    Example:
        >>> class_accuracy({"confusion": [[9, 1], [2, 2]]})
        [0.9, 0.5]
    """
    return [row[i] / sum(row) for i, row in enumerate(record["confusion"])]


def handicaps(record: Mapping[str, Any]) -> str:
    """Say what made learning harder than the validation, "" for nothing: why the curves differ.

    Example:
        >>> handicaps({"recipe": {"dropout": 0.25, "label_smoothing": 0.1}})
        'dropout and smoothed labels'
    """
    recipe = record.get("recipe", {})
    return " and ".join(text for key, text in _HANDICAPS.items() if recipe.get(key))


def curve_notes(record: Mapping[str, Any]) -> list[str]:
    """Say, in one sentence each, what a reader must know to compare the two curves of a run."""
    notes = []
    both = any(
        curve(record, "train", name) and curve(record, "validation", name)
        for name in ("loss", *LEADING)
    )
    if both and (made_hard := handicaps(record)):
        notes.append(
            f"The training curves are measured while training, with {made_hard}, "
            "the validation curves without; that is why they differ."
        )
    recipe = record.get("recipe", {})
    if both and recipe.get("kept", 1) < 1:
        notes.append(
            f"After {recipe['select_from']:.0%} of the epochs it learns only from the "
            f"{recipe['kept']:.0%} of each batch that a small network finds hardest; from there on "
            "the training curves are about those."
        )
    if "validation_run" in record:
        notes.append(
            "The published network learned from the validation pictures, too; the validation "
            "curves are those of the run before it, with the same recipe but without them."
        )
    return notes
