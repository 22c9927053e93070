"""How well masks fit photos of which only a part is labelled: recall and false car; good and fair.

Without a full mask two things can be counted. Recall: the share of the labelled parts that is
called car. False car: what is called car where this car is not, as a fraction of the labelled
pixels; in a piece that touches the labelled car, or in another piece, which may be another car. A
photo is *good* when recall ≥ 0.97 and each kind of false car ≤ 0.03, and *fair* when recall ≥ 0.90
and attached false car ≤ 0.10.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.car_photos import CAR, ELSEWHERE, CarPhoto
from zoo.models import Segmenter
from zoo.results import Segmentation
from zoo.segmentation.components import CORNERS
from zoo.segmentation.masks import Mask

GOOD = (0.97, 0.03)  # the least recall, and the most false car of each kind
FAIR = (0.90, 0.10)  # the least recall, and the most attached false car


@dataclass(frozen=True)
class PhotoAnswer:
    """What became of one photo; all are fractions of its labelled pixels.

    Attributes:
        recall: the share of them that is called car.
        attached: false car in pieces that touch them.
        other: false car in other pieces.
    """

    recall: float
    attached: float
    other: float

    @property
    def good(self) -> bool:
        """Whether a person would take the mask as it is."""
        return self.recall >= GOOD[0] and max(self.attached, self.other) <= GOOD[1]

    @property
    def fair(self) -> bool:
        """Whether most of the car is there, and little else joined to it."""
        return self.recall >= FAIR[0] and self.attached <= FAIR[1]


def compare(predicted: Mask, partial: NDArray[np.uint8]) -> PhotoAnswer:
    """Compare a mask with a partial one.

    Args:
        predicted: bool (H, W).
        partial: uint8 (H, W), see `training.data.car_photos`; some pixel must be labelled.
    """
    from scipy.ndimage import label

    labelled, absent = partial == CAR, partial == ELSEWHERE
    total = np.count_nonzero(labelled)
    pieces, number = label(predicted, structure=CORNERS)
    touches = np.bincount(pieces[labelled].ravel(), minlength=number + 1) > 0
    false = np.bincount(pieces[absent].ravel(), minlength=number + 1)
    touches[0], false[0] = False, 0
    return PhotoAnswer(
        recall=float(np.count_nonzero(predicted & labelled) / total),
        attached=float(false[touches].sum() / total),
        other=float(false[~touches].sum() / total),
    )


def measure(answers: Iterable[tuple[str, Mask, NDArray[np.uint8]]]) -> dict[str, Any]:
    """Return the metrics of a data set.

    Args:
        answers: (name, predicted mask, partial mask) for every photo.

    Returns:
        ``good`` and ``fair``, the shares of photos; ``recall``, ``attached`` and ``other``, means
        over them; ``refused``, the share in which no car is found at all; ``photos``, recall and
        both kinds of false car of each.

    Raises:
        ValueError: if there are no photos.
    """
    rows: dict[str, PhotoAnswer] = {}
    refused = 0
    for name, predicted, partial in answers:
        rows[name] = compare(predicted, partial)
        refused += float(predicted.mean()) < Segmentation.min_area
    if not rows:
        raise ValueError("There are no photos to measure.")
    names = ("good", "fair", "recall", "attached", "other")
    return {
        **{name: float(np.mean([getattr(row, name) for row in rows.values()])) for name in names},
        "refused": refused / len(rows),
        "photos": {name: asdict(row) for name, row in rows.items()},
    }


def measure_phone_photos(model: Segmenter, photos: Sequence[CarPhoto]) -> dict[str, Any]:
    """Return the metrics of a model's own answers, see `measure`; and ``n``."""

    refused = 0

    def answers() -> Iterator[tuple[str, Mask, NDArray[np.uint8]]]:
        nonlocal refused
        for photo in photos:
            image, partial = photo.read()
            answer = model.predict(image)
            refused += not answer.found
            yield photo.name, answer.mask, partial

    return measure(answers()) | {"refused": refused / len(photos), "n": len(photos)}
