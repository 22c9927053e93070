"""Masks of many photos on many machines: a stateful predictor that Ray Data maps over a data set.

    pip install "cnn-lytical[torch]" "ray[data]"
    python examples/ray_masks.py PHOTOS MASKS [--model carvana] [--workers 4]

Ray starts the workers, on one machine or all over a cluster (`ray start`), hands each batches of
files, and hands out again what was lost with a machine. A worker loads the model once and keeps it:
that is the state. PHOTOS and MASKS must be folders that every machine sees.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from zoo.folders import ENDINGS
from zoo.segmentation import masks
from zoo.weights.atomic_files import write_bytes

COLUMNS = ("path", "found", "area", "error")
BATCH = 16  # photos that a worker gets at once; their files lie in memory, not their pixels


class Predictor:
    """Writes the mask of each photo; made once a worker, called with batch after batch.

    Args:
        model: what `zoo.load` takes; a worker on a GPU uses it.
        photos: the folder of the photos.
        target: the folder of the masks, which get the photos' names and sub-folders.
    """

    def __init__(self, model: str, photos: str, target: str) -> None:
        self.model = zoo.load(model)
        self.photos, self.target = Path(photos), Path(target)

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[Any]]:
        """Take ``path`` and ``bytes`` of some photos; return a row for each, in columns."""
        pairs = zip(batch["path"], batch["bytes"], strict=True)
        rows = [self.answer(str(path), contents) for path, contents in pairs]
        return {column: [row[column] for row in rows] for column in COLUMNS}

    def answer(self, path: str, contents: bytes) -> dict[str, Any]:
        """Write one mask; a photo that cannot be used keeps no other from its mask."""
        inside = Path(path).relative_to(self.photos)
        try:
            found = self.model.predict(contents)
        except zoo.ImageError as error:
            return {"path": str(inside), "found": False, "area": 0.0, "error": str(error)}
        # The whole name stays: a.jpg and a.png get two masks, and a batch that is done again
        # overwrites its own.
        write_bytes(self.target / inside.parent / f"{inside.name}_mask.png", masks.png(found.mask))
        return {"path": str(inside), "found": found.found, "area": found.area, "error": ""}


def run(photos: Path, target: Path, model: str = "carvana", workers: int = 2) -> list[dict]:
    """Write all masks and ``masks.csv``; return its rows, by path."""
    import ray

    files = ray.data.read_binary_files(
        str(photos.resolve()),
        include_paths=True,
        file_extensions=[ending.removeprefix(".") for ending in ENDINGS],
    )
    rows = files.map_batches(
        Predictor,
        fn_constructor_args=(model, str(photos.resolve()), str(target.resolve())),
        batch_size=BATCH,
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
    ).take_all()
    rows.sort(key=lambda row: row["path"])
    target.mkdir(parents=True, exist_ok=True)
    with (target / "masks.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    return rows


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("masks", type=Path)
    parser.add_argument("--model", default="carvana", help="a segmentation model of the zoo")
    parser.add_argument("--workers", type=int, default=2, help="each loads the model once")
    options = parser.parse_args()
    rows = run(options.photos, options.masks, options.model, options.workers)
    failed = [row for row in rows if row["error"]]
    for row in failed:
        print(f"{row['path']}: {row['error']}")
    print(f"{len(rows) - len(failed)} masks in {options.masks}")


if __name__ == "__main__":
    main()
