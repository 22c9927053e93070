"""Column names and values of recorded tables, as people read them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_WORDS = {"iou": "IoU", "cpu": "CPU", "ms": "ms", "pflop": "PFLOP", "n": "n", "dice": "Dice"}
_LONG = 130  # characters of a finding on its card
_SHARE = re.compile(r"accuracy|iou|dice|warned|refused|share|repeated|worst|gap")


def column_title(column: str) -> str:
    """Return a column's name for people.

    >>> [column_title(name) for name in ("boundary_iou", "step_ms", "learning_rate")]
    ['Boundary IoU', 'Step ms', 'Learning rate']
    """
    words = [_WORDS.get(word, word) for word in column.split("_")]
    return " ".join(
        [words[0] if words[0] in _WORDS.values() else words[0].capitalize(), *words[1:]]
    )


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
