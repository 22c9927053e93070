"""Places outside the studio: street photos with masks of their vehicles, and backgrounds.

A network trained on Carvana's studio alone marks nearly the whole of any street as car. The
backgrounds are what cut-out cars are pasted on (`training.data.cars.augment_cars`); the streets
(CamVid: Brostow et al. 2009) are measured, and some of them learned from. They are split by
sequence, because neighbouring frames of one drive show the same cars.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from training.data.carvana_photos import ImageMaskPair, check, read_pairs
from training.engine.failures import TrainingError, reason

# By CamVid's sequences. 0001TP and Seq05VD are those of its own test set.
SPLITS = {"0016E5": "train", "0006R0": "validation", "0001TP": "test", "Seq05VD": "test"}
# Photos of BSDS500 in which we saw a car when we looked at all 500: a pasted car would be marked
# there and theirs would not.
WITH_CARS = frozenset(
    f"bsds-{number}"
    for number in (
        10081, 21077, 23050, 29030, 102062, 119082, 183066, 230063, 259060, 274007, 281017, 285036,
        296028,
    )
)  # fmt: skip
HELD_OUT = 0.05  # of the backgrounds, for validation and as many for the test
LARGE = 0.05  # the share of the image above which its vehicles count as large

DESCRIPTION = {
    "name": "CamVid",
    "source": "http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/",
    "license": "research use",
    "citation": "G. Brostow, J. Fauqueur, R. Cipolla: Semantic object classes in video, 2009.",
}


def load(data_dir: Path, split: str, large_only: bool = False) -> tuple[ImageMaskPair, ...]:
    """Read the street photos of one split; the mask marks cars, buses and trucks.

    Args:
        data_dir: holds ``backgrounds/streets*.parquet`` with the columns ``name``
            (``camvid-SEQUENCE_FRAME``), ``image`` and ``mask``.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        large_only: keep only photos of which vehicles take more than 5 %.

    Raises:
        TrainingError: if there are none, or they are damaged.
    """
    if split not in ("train", "validation", "test"):
        raise TrainingError(f"The splits are train, validation and test, not {split!r}.")
    folder = data_dir / "backgrounds"
    pairs = [pair for file in sorted(folder.glob("streets*.parquet")) for pair in read_pairs(file)]
    chosen = check([p for p in pairs if SPLITS.get(sequence(p)) == split], False, folder)
    if large_only:
        chosen = [pair for pair in chosen if np.mean(pair.read()[1]) > LARGE]
    if not chosen:
        raise TrainingError(
            f"{data_dir} has no street photos for {split} (looked for "
            "backgrounds/streets*.parquet, see training/data/street_photos.py)."
        )
    return tuple(chosen)


def available(data_dir: Path) -> bool:
    """Return whether there are street photos; they are not part of Carvana."""
    return any((data_dir / "backgrounds").glob("streets*.parquet"))


def sequence(pair: ImageMaskPair) -> str:
    """Return the drive that a photo belongs to: ``0016E5`` for ``camvid-0016E5_08155``."""
    return pair.name.removeprefix("camvid-").split("_")[0]


def load_backgrounds(data_dir: Path, split: str = "train") -> tuple[bytes, ...]:
    """Read the encoded photos without cars in ``backgrounds/backgrounds*.parquet``; may be none.

    Args:
        data_dir: see `load`.
        split: ``"train"``, or a twentieth each, by the SHA-256 of the name, that no car is ever
            pasted on: ``"validation"`` and ``"test"``.

    Raises:
        TrainingError: if a file is damaged.
    """
    from pyarrow import parquet

    photos: list[bytes] = []
    for file in sorted((data_dir / "backgrounds").glob("backgrounds*.parquet")):
        try:
            rows = parquet.read_table(file, columns=["name", "image"]).to_pylist()
            photos += [
                row["image"]["bytes"]
                for row in rows
                if row["name"] not in WITH_CARS and _side(row["name"]) == split
            ]
        except Exception as error:  # pyarrow has its own, and damaged columns raise others
            raise TrainingError(
                f"{file} cannot be read ({reason(error)}); fetch it again."
            ) from None
    return tuple(photos)


def _side(name: str) -> str:
    place = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32
    return "test" if place < HELD_OUT else "validation" if place < 2 * HELD_OUT else "train"
