"""A few small pictures to try the models on, whose licence allows to pass them on.

Each folder beside this file is one collection; its ``samples.json`` says where the pictures come
from, under which licence, and what they show; for all together or, where they have several authors,
for each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from zoo.errors import ZooError

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Sample:
    """One picture.

    Attributes:
        id: Name, unique within the collection.
        path: The picture's file.
        label: What it shows: the true class.
        group: ``"typical"``, ``"more"`` for another of the same class, ``"hard"`` for one chosen
            because people or networks get it wrong, or ``"none"`` for one that shows nothing of
            what the model knows.
        credit: Author, licence and source in one line.
        description: Where in its data set it comes from.
    """

    id: str
    path: Path
    label: str
    group: str
    credit: str
    description: str

    def read(self) -> bytes:
        """Return the contents of the picture's file."""
        return self.path.read_bytes()


@lru_cache
def samples(collection: str) -> tuple[Sample, ...]:
    """Return the pictures of a collection, typical ones first.

    Args:
        collection: A folder of zoo/samples, such as ``"digits"``.

    Raises:
        ZooError: There is no such collection.

    Example:
        >>> [sample.label for sample in samples("digits")[:3]]
        ['0', '1', '2']
    """
    folder = _FOLDER / collection
    if not (folder / "samples.json").is_file():
        known = sorted(path.parent.name for path in _FOLDER.glob("*/samples.json"))
        raise ZooError(f"There are no samples {collection!r}; there are: {', '.join(known)}.")
    table = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
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
