"""What the component that shows a classifier's answer is told."""

from __future__ import annotations

from typing import Any

import numpy as np

import zoo
from pages.common import number_format
from pages.images import encoding

SURE = 0.9  # a probability from which on no answer is called unsure; a caution may stand beside it


def answer(
    result: zoo.Classification,
    sees: np.ndarray,
    place: str,
    top: int | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Return an answer as JSON.

    Args:
        result: The answer.
        sees: uint8 array, the image that the network gets.
        place: Where the network ran, such as "NumPy on the CPU".
        top: Show so many classes, the most probable ones first; None: all, in their own order.
        note: Why to be careful with it, one sentence; "" if there is no reason. If the network is
            not :data:`SURE` either, the answer gets a question mark and the colour of caution.
    """
    second, probability = result.top(2)[1]
    rows = list(zip(result.labels, result.probabilities.tolist(), strict=True))
    if top is not None:
        rows = result.top(top)
    height, width = sees.shape[:2]
    unsure = bool(note) and result.confidence < SURE
    return {
        "labels": [label for label, _ in rows],
        "probabilities": [round(p, 4) for _, p in rows],
        "percents": [number_format.percent(p) for _, p in rows],
        "best": [label for label, _ in rows].index(result.label),
        "label": f"{result.label}?" if unsure else result.label,
        "unsure": unsure,
        "note": note,
        "main": f"{'Only ' if unsure else ''}{number_format.percent(result.confidence)} sure "
        f"it is {_article(result.label)}",
        "rest": f"Next: {second}, {number_format.percent(probability)}. "
        f"Answered in {number_format.duration(result.seconds)} by {place}.",
        "sees": encoding.data_url(encoding.png(sees)),
        "alt": f"The {width} by {height} image that the network gets",
    }


def problem(labels: tuple[str, ...], message: str) -> dict[str, Any]:
    """Return as JSON why there is no answer: the classes, and one sentence."""
    return {"labels": list(labels), "error": message}


def _article(label: str) -> str:
    """Put "a" or "an" in front: an 8, an airplane, a 7.

    >>> _article("8"), _article("7"), _article("airplane")
    ('an 8', 'a 7', 'an airplane')
    """
    return f"{'an' if label[0] in '8aeiouAEIOU' else 'a'} {label}"
