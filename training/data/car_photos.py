"""Photos of cars as people take them with a phone, each with a mask that knows only a part.

Not Carvana's studio but streets, yards and garages, near and far, from all sides (Pasupa et al.
2021, doi 10.1007/s40747-021-00397-8). Parts of the car were labelled, so each pixel is one of
three: car for certain, not *this* car (there may be another one, which carries no label), or
unknown.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.carvana_photos import read_pairs
from training.engine.failures import TrainingError

CAR, UNKNOWN, ELSEWHERE = 255, 128, 0  # the mask's values
SPLITS = ("train", "validation", "test")
# Shares of all photos that are held out; of the 400 that is 60 to choose by and 20 to report.
VALIDATION, TEST = 0.15, 0.05
# Which photos show the same car, or a car of the same advertisement, as we saw when we looked at
# all 400: neighbours in the numbering, and a few that are in the data twice. They stay together.
SAME_CAR = (
    (11, 109), (13, 14), (33, 67, 137, 138, 139, 337, 339), (36, 60), (55, 249, 250, 251),
    (70, 71, 72), (78, 79), (84, 85, 299), (88, 89, 90), (102, 103), (104, 105), (117, 118, 119),
    (121, 122, 123), (126, 127), (130, 131), (142, 143, 144), (145, 146), (168, 169), (185, 186),
    (162, 201, 202, 203), (193, 194, 195), (222, 223), (225, 226), (231, 232, 233, 234),
    (237, 387), (240, 369), (261, 262), (271, 272), (282, 283), (295, 296), (330, 331, 332),
    (341, 342), (352, 353), (357, 358), (383, 384),
)  # fmt: skip
_GROUP = {f"train{n}": f"train{group[0]}" for group in SAME_CAR for n in group}

DESCRIPTION = {
    "name": "Car Parts",
    "source": "https://github.com/dsmlr/Car-Parts-Segmentation",
    "license": "none stated; for training and measuring only",
    "citation": "K. Pasupa et al.: Evaluation of deep learning algorithms for semantic "
    "segmentation of car parts, Complex & Intelligent Systems, 2021.",
}


@dataclass(frozen=True)
class CarPhoto:
    """A photo and its partial mask, as encoded files.

    Attributes:
        name: such as ``train42``.
        image: bytes of a JPEG or PNG.
        mask: bytes of a PNG of ``CAR``, ``UNKNOWN`` and ``ELSEWHERE``.
    """

    name: str
    image: bytes
    mask: bytes

    def read(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the photo, uint8 (H, W, 3), and its partial mask, uint8 (H, W).

        Raises:
            TrainingError: if a file is damaged, the two sizes differ, or the mask has other values.
        """
        try:
            image = np.asarray(Image.open(io.BytesIO(self.image)).convert("RGB"))
            mask = np.asarray(Image.open(io.BytesIO(self.mask)).convert("L"))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise TrainingError(f"the photo {self.name} cannot be read ({error})") from None
        if image.shape[:2] != mask.shape:
            sizes = " and the mask ".join(f"{a.shape[1]} × {a.shape[0]}" for a in (image, mask))
            raise TrainingError(f"the photo {self.name} has {sizes} pixels")
        if not np.isin(mask, (CAR, UNKNOWN, ELSEWHERE)).all():
            raise TrainingError(f"the mask of {self.name} has other values than 0, 128 and 255")
        return image, mask


def available(data_dir: Path) -> bool:
    """Return whether there are such photos; they are not part of Carvana."""
    return any((data_dir / "carparts").glob("*.parquet"))


def load(data_dir: Path, split: str) -> tuple[CarPhoto, ...]:
    """Read one split, sorted by name.

    Args:
        data_dir: holds ``carparts/*.parquet`` with the columns ``name``, ``image``, ``mask``.
        split: ``"train"``, ``"validation"`` (choices are made by it) or ``"test"`` (to report).

    Raises:
        TrainingError: if there are none, or they are damaged; it names them.
    """
    if split not in SPLITS:
        raise TrainingError(f"The splits are {', '.join(SPLITS)}, not {split!r}.")
    folder = data_dir / "carparts"
    photos = [
        CarPhoto(pair.name, pair.image, pair.mask)
        for file in sorted(folder.glob("*.parquet"))
        for pair in read_pairs(file)
    ]
    sides = split_photos(photo.name for photo in photos)
    chosen = sorted((p for p in photos if sides[p.name] == split), key=lambda p: p.name)
    if not chosen:
        raise TrainingError(
            f"{data_dir} has no car photos for {split} (looked for carparts/*.parquet, see "
            "training/data/car_photos.py)."
        )
    _check(chosen, folder)
    return tuple(chosen)


def split_photos(names: Iterable[str]) -> dict[str, str]:
    """Return the side of each photo: groups of the same car in the order of their SHA-256.

    A group goes to the first side, of test and validation, that has room for all of it.
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        groups.setdefault(_GROUP.get(name, name), []).append(name)
    total = sum(map(len, groups.values()))
    room = {"test": round(TEST * total), "validation": round(VALIDATION * total)}
    sides: dict[str, str] = {}
    for key in sorted(groups, key=lambda key: hashlib.sha256(key.encode()).hexdigest()):
        size = len(groups[key])
        side = next((side for side, left in room.items() if left >= size), "train")
        if side != "train":
            room[side] -= size
        sides |= dict.fromkeys(groups[key], side)
    return sides


def _check(photos: Sequence[CarPhoto], folder: Path) -> None:
    """Decode every photo, and report all damage at once."""

    def damage(photo: CarPhoto) -> str | None:
        try:
            photo.read()
        except TrainingError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(2) as pool:  # decoding releases the interpreter's lock
        damaged = [text for text in pool.map(damage, photos) if text]
    if damaged:
        more = f" and {len(damaged) - 4} more" if len(damaged) > 4 else ""
        raise TrainingError(f"{folder}: {', '.join(damaged[:4])}{more}; fetch them again.")
