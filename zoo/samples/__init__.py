"""A few small images to try the models on, whose license allows to pass them on.

Each folder beside this file is one collection; its ``samples.json`` says where the images come
from, under which license, and what they show; for all together or, where they have several authors,
for each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from zoo.errors import ZooError

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """One image.

    Attributes:
        id: Name, unique within the collection.
        path: The image's file.
        label: What it shows: the true class.
        group: ``"typical"``, ``"more"`` for another of the same class, ``"hard"`` for one chosen
            because people or networks get it wrong, or ``"none"`` for one that shows nothing of
            what the model knows.
        credit: Author, license and source in one line.
        description: Where in its data set it comes from.
    """

    id: str
    path: Path
    label: str
    group: str
    credit: str
    description: str

    def read(self) -> bytes:
        """Return the contents of the image's file."""
        return self.path.read_bytes()


@lru_cache
def samples(collection: str) -> tuple[Sample, ...]:
    """Return the images of a collection, typical ones first.

    Args:
        collection: A folder of zoo/samples, such as ``"digits"``.

    Raises:
        ZooError: There is no such collection.

    Example:
        >>> [sample.label for sample in samples("digits")[:3]]
        ['0', '1', '2']
    """
    folder, table = _read(collection)
    return tuple(
        Sample(
            id=entry["id"],
            path=folder / entry["file"],
            label=entry["label"],
            group=entry["group"],
            credit=entry.get("credit", table["credit"]),
            description=entry["description"],
        )
        for entry in table["samples"]
    )


def first_sample(collection: str) -> Sample:
    """Return the sample that a page begins with: the one that the collection names, or its first.

    Raises:
        ZooError: There is no such collection.
    """
    wanted = _read(collection)[1].get("first")
    found = samples(collection)
    return next((sample for sample in found if sample.id == wanted), found[0])


def _read(collection: str) -> tuple[Path, Mapping[str, Any]]:
    folder = _FOLDER / collection
    if not (folder / "samples.json").is_file():
        known = sorted(path.parent.name for path in _FOLDER.glob("*/samples.json"))
        raise ZooError(f"There are no samples {collection!r}; there are: {', '.join(known)}.")
    return folder, json.loads((folder / "samples.json").read_text(encoding="utf-8"))
