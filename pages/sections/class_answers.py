"""What a classifier answers, said the same way in a page's run and beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import zoo
from pages.common import number_format
from pages.components.class_answer import answer_contents
from zoo.preprocessing.images import crop_square

PLACES = {"numpy": "NumPy", "torch": "PyTorch"}
KEPT = 32  # answers: each is asked for at a stroke's end, and once more by the run that follows
TOP = 5  # classes that are shown, the most probable ones, where they are no digits

Square = tuple[float, float, float]
WHOLE: Square = (0.5, 0.5, 1.0)


@dataclass(frozen=True)
class ClassAnswer:
    """An answer.

    Attributes:
        view: uint8 (H, W) or (H, W, 3), what the network sees; None if there is nothing to see.
        label: The class, "" if there is none.
        said: What the page tells (`answer_contents`).
    """

    view: np.ndarray | None
    label: str
    said: dict[str, Any]


def to_photo(model: zoo.Classifier, encoded: bytes, square: Square | None = None) -> ClassAnswer:
    """Return the answer to an image's file, or why there is none; nothing of it is kept.

    Args:
        model: The network of the page "Digits" or "Objects".
        encoded: The file, as somebody sent it.
        square: x, y and side, as `crop_square` takes them, of the part that is looked at; None:
            the image is prepared whole.
    """
    try:
        image: Any = encoded if square is None else crop_square(zoo.open_image(encoded), *square)
        return _answer(model, image, model.model_input_image(image))
    except zoo.ImageError as error:
        return problem(model, str(error))


@lru_cache(maxsize=KEPT)
def to_file(model: zoo.Classifier, encoded: bytes, square: Square | None = None) -> ClassAnswer:
    """Return what `to_photo` does, of drawings and samples: the last ones are kept."""
    return to_photo(model, encoded, square)


def to_view(model: zoo.Classifier, view: np.ndarray) -> ClassAnswer:
    """Return the answer to what the network sees, uint8 (H, W) or (H, W, 3)."""
    return _answer(model, view, view)


def problem(model: zoo.Classifier, message: str) -> ClassAnswer:
    """Return, in the place of an answer, one sentence that says why there is none."""
    said = answer_contents.problem(model.labels[: _shown(model)], message)
    return ClassAnswer(None, "", said)


def _answer(model: zoo.Classifier, image: Any, view: np.ndarray) -> ClassAnswer:
    # The file itself would be prepared once more.
    result = model.predict(view if isinstance(image, bytes) else image)
    place = f"{PLACES[model.config['framework']]} on the {model.device.upper()}"
    said = answer_contents.answer(result, view, place, _shown(model), _caution(model, result))
    return ClassAnswer(view, result.label, said)


def _shown(model: zoo.Classifier) -> int | None:
    return None if _digits(model) else TOP


def _digits(model: zoo.Classifier) -> bool:
    return model.labels == tuple("0123456789")


def _caution(model: zoo.Classifier, result: zoo.Classification) -> str:
    """Say that this may be none of the classes, if the measured threshold says so."""
    if not result.is_ood or result.ood_threshold is None:
        return ""
    what = "no single digit" if _digits(model) else f"none of the {len(model.labels)} classes"
    return (
        f"It may be {what}: the network is less than "
        f"{number_format.percent(result.ood_threshold)} sure."
    )
