"""What the digit network answers to an image, said the same way in a page's run and beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import zoo
from pages.common import number_format
from pages.components.class_answer import answer_contents

PLACES = {"numpy": "NumPy", "torch": "PyTorch"}
KEPT = 64  # answers: a stroke's is asked for at its end, and once more by the run that follows


@dataclass(frozen=True)
class DigitAnswer:
    """An answer.

    Attributes:
        view: uint8 (H, W), what the network sees; None if there is nothing to see.
        label: the digit, "" if there is none.
        said: what the page tells (`answer_contents`).
    """

    view: np.ndarray | None
    label: str
    said: dict[str, Any]


@lru_cache(maxsize=KEPT)
def to_file(model: zoo.Classifier, encoded: bytes) -> DigitAnswer:
    """Return the answer to an image's file, or why there is none; the last ones are kept.

    Args:
        model: The digit network.
        encoded: The file, as somebody sent it.
    """
    try:
        return to_view(model, model.model_input_image(encoded))
    except zoo.ImageError as error:
        return problem(model, str(error))


def to_view(model: zoo.Classifier, view: np.ndarray) -> DigitAnswer:
    """Return the answer to what the network sees, uint8 (H, W)."""
    result = model.predict(view)
    place = f"{PLACES[model.config['framework']]} on the {model.device.upper()}"
    said = answer_contents.answer(result, view, place, note=_caution(result))
    return DigitAnswer(view, result.label, said)


def problem(model: zoo.Classifier, message: str) -> DigitAnswer:
    """Return, in the place of an answer, one sentence that says why there is none."""
    return DigitAnswer(None, "", answer_contents.problem(model.labels, message))


def _caution(result: zoo.Classification) -> str:
    """Say that this may be no single digit, if the measured threshold says so."""
    if not result.is_ood or result.ood_threshold is None:
        return ""
    return (
        "It may be no single digit: the network is less than "
        f"{number_format.percent(result.ood_threshold)} sure."
    )
