"""What a training record says, for whoever shows it: the app's pages and the model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The metric that a model leads with, the first of these that its record has.
LEADING = ("accuracy", "iou", "dice", "boundary_iou")
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


def handicaps(record: Mapping[str, Any]) -> str:
    """Say what made learning harder than the validation, "" for nothing: why the curves differ.

    Example:
        >>> handicaps({"recipe": {"dropout": 0.25, "label_smoothing": 0.1}})
        'dropout and smoothed labels'
    """
    recipe = record.get("recipe", {})
    return " and ".join(text for key, text in _HANDICAPS.items() if recipe.get(key))
