"""What a training record says, for whoever shows it: the app's pages and the model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The metric that a model leads with, by its task.
METRIC = {"classification": "accuracy", "segmentation": "iou"}
# The same for a record, which does not name its task: the first of these that it has.
LEADING = (*METRIC.values(), "dice", "boundary_iou")
_HANDICAPS = {
    "augmentation": "distorted images",
    "dropout": "dropout",
    "label_smoothing": "smoothed labels",
}


def headline(record: Mapping[str, Any]) -> tuple[str, float, int]:
    """Return name, value (a fraction) and n of the test metric that a record leads with.

    Where no test was measured, as of a model of one's own, that is the validation metric.

    Args:
        record: A model's ``record.json``.

    Example:
        >>> headline({"metrics": {"test": {"n": 10, "dice": 0.8, "iou": 0.7}}})
        ('iou', 0.7, 10)
    """
    metrics = record["metrics"]
    test = metrics["test"] if "test" in metrics else metrics["validation"]
    name = next(metric for metric in LEADING if metric in test)
    return name, test[name], test["n"]


def cores_used(record: Mapping[str, Any]) -> str:
    """Say on how many cores a run was made, which may have changed when it went on.

    Args:
        record: A model's ``record.json``, or that of an experiment.

    Example:
        >>> cores_used({"hardware": {"cores": 1}})
        '1 core'
        >>> more = {"compute": {"processes": 2, "threads": 1}}
        >>> cores_used({"hardware": {"cores": 1}, "resumed": [more]})
        '1 to 2 cores'
    """
    first = record["hardware"]["cores"]
    later = [run.get("compute") or {} for run in record.get("resumed", [])]
    # One process may have more threads than cores, or have written the result only.
    shared = [c["processes"] * c.get("threads", 1) for c in later if c.get("processes", 1) > 1]
    fewest, most = min([first, *shared]), max([first, *shared])
    return f"{most} core{'s' * (most != 1)}" if fewest == most else f"{fewest} to {most} cores"


def curve(record: Mapping[str, Any], part: str, name: str) -> list[tuple[int, float]]:
    """Return how a value developed in training, as (epoch, value), [] if it was not recorded.

    A final run learns from the validation images too, and has nothing left to be validated on;
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
    """Return the share of each class's test images that got the right answer, in [0, 1].

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
    trained = parts(record)
    if len(trained) > 1:
        lengths = [f"{part.last - part.first + 1}" for part in trained]
        notes.append(
            f"Trained in {len(trained)} parts of {_listed(lengths)} epochs: each goes on from the "
            "weights before it, with learning rates that are high again; hence the steps."
        )
    selecting = [f"{p.selects_from}–{p.last}" for p in trained if p.selects_from is not None]
    kept = record.get("recipe", {}).get("keep_ratio", 1)
    if both and selecting and kept < 1:
        notes.append(
            f"In the epochs {_listed(selecting)} it learns only from the {kept:.0%} of each batch "
            "that a small network finds hardest; there the training curves are about those."
        )
    if "validation_run" in record:
        own = any(row.get("validation") for row in record["history"])
        notes.append(
            "The last part learned from the validation images, too; the validation curves end "
            "before it."
            if own
            else "The published network learned from the validation images, too; the validation "
            "curves are those of the run before it, with the same recipe but without them."
        )
    return notes


@dataclass(frozen=True)
class RunPart:
    """A part of a run: in each the learning rates begin high and fall. Epochs count from 1.

    Attributes:
        first, last: Its epochs, numbered through all parts.
        selects_from: The epoch from which it learns from the hardest images only, None for never.
    """

    first: int
    last: int
    selects_from: int | None = None


def parts(record: Mapping[str, Any]) -> list[RunPart]:
    """Return a run's parts in the order of training.

    A run tells its own (``parts``); and what it began with (``--init-from``) had some before. Runs
    without epochs, such as an average of weights, are left out.

    Example:
        >>> first = {"epochs": 2, "recipe": {"lr": 1}}
        >>> history = [{"epoch": 1}, {"epoch": 2}, {"epoch": 3}]
        >>> [(p.first, p.last) for p in parts({"history": history, "init_from": first})]
        [(1, 2), (3, 3)]
    """
    found: list[RunPart] = []
    run: Mapping[str, Any] | None = record
    last = len(record["history"])
    while run:
        earlier = run.get("init_from")
        before = (earlier or {}).get("epochs", 0)
        if before < last:
            own = run.get("parts") or [_whole(run.get("recipe", {}), last - before)]
            found = [_numbered(part, before) for part in own] + found
        run, last = earlier, before
    return found


def _whole(recipe: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    """Return the only part of a run that tells of none."""
    selects = recipe.get("keep_ratio", 1) < 1
    start = round(recipe.get("selection_start", 0) * epochs) + 1 if selects else None
    return {"first": 1, "last": epochs, "selects_from": start}


def _numbered(part: Mapping[str, Any], before: int) -> RunPart:
    """Return a part of a run that has so many epochs before it."""
    selects = part.get("selects_from")
    return RunPart(
        before + part["first"],
        before + part["last"],
        None if selects is None else before + selects,
    )


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
