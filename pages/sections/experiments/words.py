"""Column names and values of recorded tables, as people read them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import zoo
from pages.common import number_format

_WORDS = {
    "iou": "IoU", "cpu": "CPU", "pflop": "PFLOP", "gflop": "GFLOP", "n": "n", "dice": "Dice",
    "p50": "median", "p95": "95th percentile",
}  # fmt: skip
_UNITS = {"ms": "ms", "s": "s", "mb": "MB", "mib": "MiB"}  # behind a column's name
_LONG = 130  # characters of a finding on its card
_SHARE = re.compile(r"accuracy|iou|dice|warned|refused|share|same|repeated|worst|gap|good|fair")


def column_title(column: str) -> str:
    """Return a column's name for people.

    >>> [column_title(name) for name in ("boundary_iou", "step_ms", "p50_s", "learning_rate")]
    ['Boundary IoU', 'Step, ms', 'Median, s', 'Learning rate']
    """
    *words, last = column.split("_")
    unit = f", {_UNITS[last]}" if words and last in _UNITS else ""
    name = " ".join(_WORDS.get(word, word) for word in (words if unit else [*words, last]))
    return f"{name if name == 'n' else name[0].upper() + name[1:]}{unit}"


def variant(values: Mapping[str, Any]) -> str:
    """Return the name of a variant.

    >>> variant({"network": "ours", "skips": False, "images": 1920, "colour": None})
    'ours, no skips, images 1,920'
    """
    return ", ".join(_value(name, value) for name, value in values.items() if value is not None)


def _value(column: str, value: Any) -> str:
    name = column.replace("_", " ")
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if isinstance(value, int):
        return f"{name} {value:,}"
    return f"{name} {value:g}" if isinstance(value, float) else str(value)


def is_share(rows: Sequence[Mapping[str, Any]], column: str) -> bool:
    """Return whether a column is a fraction that is read as percent."""
    values = [row[column] for row in rows if row[column] is not None]
    return bool(_SHARE.search(column)) and all(-1 <= value <= 1 for value in values)


def limits(experiment: zoo.Experiment) -> str:
    """Return what a measurement does not show, as sentences; "" if its record does not say."""
    said = str(experiment.raw.get("limits") or "").strip().rstrip(".")
    return number_format.spaced(f"{said[0].upper()}{said[1:]}.") if said else ""


def first_sentence(text: str) -> str:
    """Return a finding's first sentence, or its first part if that is long.

    >>> first_sentence("It is 99.5 % right. The rest follows.")
    'It is 99.5 % right.'
    """
    sentence = re.split(r"(?<=[.!?])\s+(?=[A-Z])", text, maxsplit=1)[0]
    if len(sentence) <= _LONG:
        return sentence
    begun = sentence[:_LONG]
    end = max(begun.rfind(mark) for mark in (", ", "; ", ": "))
    return (begun[:end] if end > _LONG / 2 else begun.rsplit(" ", 1)[0]) + "\xa0…"
