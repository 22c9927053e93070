"""Some hundred labelled images of a data set in one file, for what is measured live in the app.

Each is a mosaic ``<name>.png`` beside a ``<name>.json`` with labels, license and where its
images come from; ``python -m training.data.sample_sets`` writes both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.errors import ZooError

FOLDER = Path(__file__).parent / "sets"


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Labelled images.

    Attributes:
        images: uint8 (N, H, W), or (N, H, W, 3) for RGB; read-only.
        labels: int64 (N,), 0 to K − 1; read-only.
        names: the K classes.
        split: which part of the data set they are from, ``"test"`` or ``"train"``.
        credit: author, license and source in one line.
    """

    images: np.ndarray = field(repr=False)
    labels: np.ndarray = field(repr=False)
    names: tuple[str, ...]
    split: str
    credit: str

    def __len__(self) -> int:
        return len(self.labels)


@lru_cache
def image_set(name: str) -> ImageSet:
    """Return one of the sets.

    Args:
        name: ``"cifar10"`` or ``"mnist"``.

    Raises:
        ZooError: there is no such set, or its files are damaged.

    Example:
        >>> image_set("mnist").images.shape[1:]
        (28, 28)
    """
    known = sorted(path.stem for path in FOLDER.glob("*.json"))
    if name not in known:
        raise ZooError(f"There is no set of images {name!r}; there are: {', '.join(known)}.")
    try:
        table = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        with Image.open(FOLDER / f"{name}.png") as mosaic:
            images = unfold(np.asarray(mosaic), table["size"])
        labels = np.array([int(digit) for digit in table["labels"]], np.int64)
        images = images[: len(labels)]
        if len(images) < len(labels):
            raise ValueError(f"{len(labels)} labels, {len(images)} images")
        found = ImageSet(images, labels, tuple(table["names"]), table["split"], table["credit"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ZooError(
            f"The images {FOLDER / name}.png cannot be read ({error}); get the code again."
        ) from None
    images.flags.writeable = labels.flags.writeable = False
    return found


def unfold(mosaic: np.ndarray, size: int) -> np.ndarray:
    """Return the tiles of a mosaic (H, W[, 3]), row by row: (N, size, size[, 3])."""
    rows, columns = mosaic.shape[0] // size, mosaic.shape[1] // size
    tiles = mosaic.reshape(rows, size, columns, size, *mosaic.shape[2:]).swapaxes(1, 2)
    return np.ascontiguousarray(tiles.reshape(-1, size, size, *mosaic.shape[2:]))
