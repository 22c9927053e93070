"""Do sixty images with masks, or forty, make a model in ten minutes?

    python -m training.benchmarks.own_masks --data-dir DIR

Two collections as somebody would bring them, as plain folders, each learned by the command that
the documentation shows (``python -m training.segmentation``), in a process of its own:

- ``leaves``: 60 photos without cars, with one to three leaves drawn into each; the masks come from
  the same drawing. It begins with the shipped car network's weights.
- ``cars``: 40 pairs of Carvana, 4 views of each of 10 cars; whole cars are held out. It begins with
  random weights, as the shipped network has seen these cars.

Both cores must be free. Rows, one a collection:

- ``collection``, ``start``: "carvana" or "nothing"; ``pairs``, ``held_out``.
- ``iou``, ``worst``: of the held-out images; ``constant_iou``: of the best constant mask on them.
- ``minutes``: of the whole command, from its start to the written model.
"""

from __future__ import annotations

import io
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from training.data import carvana_photos, street_photos
from training.engine.failures import TrainingError, run_command
from training.engine.json_files import read_json
from training.engine.provenance import ROOT
from training.experiments import command
from training.experiments.cells import CellGrid
from training.experiments.interval_text import percent

NAME = "own_masks"
QUESTION = "Do sixty images with masks, or forty, make a model in ten minutes?"
LIMITS = (
    "One training each, on one machine. The leaves are drawn, and so are their masks: real masks "
    "have errors of their own."
)
LEAVES, CARS, VIEWS = 60, 10, 4
SIZE = (480, 320)  # of an image with leaves
STARTS = {"leaves": "carvana", "cars": "nothing"}
Pair = tuple[str, bytes, bytes]  # name, image, mask: files


def leaf(rng: np.random.Generator, size: int) -> tuple[Image.Image, Image.Image]:
    """Draw one leaf with lobes, shaded and with veins: RGB, and its mask (L), both square."""
    angles = np.linspace(0, 2 * math.pi, 240)
    lobes, depth = int(rng.integers(3, 8)), rng.uniform(0.1, 0.3)
    radius = (1 - depth + depth * np.cos(lobes * angles)) * (1 + 0.35 * np.cos(angles)) / 1.4
    wide = 4 * size  # drawn larger: smooth outlines
    xs = wide / 2 + radius * np.cos(angles) * wide * 0.46
    ys = wide / 2 + radius * np.sin(angles) * wide * rng.uniform(0.25, 0.46)
    mask = Image.new("L", (wide, wide))
    ImageDraw.Draw(mask).polygon(list(zip(xs, ys, strict=True)), fill=255)
    colour = np.array([rng.integers(60, 230), rng.integers(60, 200), rng.integers(10, 90)])
    light = np.linspace(rng.uniform(0.5, 0.9), rng.uniform(1.0, 1.3), wide)[:, None, None]
    shaded = np.broadcast_to(np.clip(light * colour, 0, 255), (wide, wide, 3)).astype(np.uint8)
    image = Image.fromarray(shaded)
    pen = ImageDraw.Draw(image)
    for angle in np.arange(lobes) * 2 * math.pi / lobes:
        tip = (wide / 2 * (1 + 0.8 * math.cos(angle)), wide / 2 * (1 + 0.8 * math.sin(angle)))
        pen.line([(wide / 2, wide / 2), tip], fill=tuple(int(c * 0.6) for c in colour), width=10)
    turn = rng.uniform(0, 360)
    box = Image.Resampling.BOX
    return (
        image.rotate(turn, fillcolor=tuple(map(int, colour))).resize((size, size), box),
        mask.rotate(turn).resize((size, size), box),
    )


def with_leaves(rng: np.random.Generator, photo: bytes) -> tuple[Image.Image, NDArray[np.bool_]]:
    """Return a photo with one to three leaves on it, and their mask, bool (H, W)."""
    image = Image.open(io.BytesIO(photo)).convert("RGB").resize(SIZE, Image.Resampling.LANCZOS)
    alpha = Image.new("L", SIZE)
    for _ in range(int(rng.integers(1, 4))):
        size = int(rng.integers(70, 240))
        drawn, mask = leaf(rng, size)
        at = (int(rng.integers(0, SIZE[0] - size)), int(rng.integers(0, SIZE[1] - size)))
        image.paste(drawn, at, mask)
        alpha.paste(255, at, mask)
    image = image.filter(ImageFilter.GaussianBlur(0.6))  # as a camera would
    noise = rng.normal(0, 4, (SIZE[1], SIZE[0], 3))
    noisy = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(noisy), np.asarray(alpha) >= 128


def leaves(data_dir: Path, count: int) -> Iterator[Pair]:
    """Yield the collection of leaves; the same every time.

    Raises:
        TrainingError: there are too few photos to draw them into.
    """
    photos = street_photos.load_backgrounds(data_dir)
    if len(photos) < count:
        raise TrainingError(
            f"{data_dir} has {len(photos)} photos without cars, and {count} are needed (looked for "
            "backgrounds/backgrounds*.parquet)."
        )
    rng = np.random.default_rng(0)
    for number in range(count):
        image, mask = with_leaves(rng, photos[number])
        jpeg, png = io.BytesIO(), io.BytesIO()
        image.save(jpeg, "JPEG", quality=90)
        Image.fromarray(mask.astype(np.uint8) * 255).save(png, "PNG")
        yield f"leaf-{number:03d}", jpeg.getvalue(), png.getvalue()


def cars(data_dir: Path, count: int) -> Iterator[Pair]:
    """Yield pairs of Carvana: `VIEWS` views of each of so many training cars."""
    taken: dict[str, int] = {}
    for pair in carvana_photos.load(data_dir, "train"):
        if pair.car not in taken and len(taken) == count:
            continue
        if taken.get(pair.car, 0) < VIEWS:
            taken[pair.car] = taken.get(pair.car, 0) + 1
            yield pair.name, pair.image, pair.mask


def write_folders(pairs: Iterator[Pair], folder: Path) -> int:
    """Write pairs as ``images/NAME.jpg`` and ``masks/NAME_mask.png``; return how many."""
    written = 0
    for name, image, mask in pairs:
        for kind, file, content in (
            ("images", f"{name}.jpg", image),
            ("masks", f"{name}_mask.png", mask),
        ):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            (folder / kind / file).write_bytes(content)
        written += 1
    return written


def learn(name: str, folder: Path, more: Sequence[str]) -> dict[str, Any]:
    """Run the documented command on a collection's folders; return its row.

    Raises:
        TrainingError: the command failed.
    """
    program = [sys.executable, "-m", "training.segmentation", "--images", str(folder / "images"),
               "--masks", str(folder / "masks"), "--out", str(folder / "run"), "--name", name,
               *more]  # fmt: skip
    start = time.perf_counter()
    if subprocess.run(program, cwd=ROOT, check=False).returncode:
        raise TrainingError(f"{' '.join(program[1:])} failed; it says above why.")
    minutes = (time.perf_counter() - start) / 60
    record = read_json(folder / "run" / "model" / "record.json")
    metrics = record["metrics"]["validation"]
    return {
        "iou": metrics["iou"],
        "worst": metrics["worst"],
        "constant_iou": round(metrics["constant_iou"], 5),
        "held_out": metrics["n"],
        "minutes": round(minutes, 2),
    }


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    told = [
        f"{row['pairs']} pairs of {row['collection']}, from "
        f"{'the car network' if row['start'] == 'carvana' else 'random weights'}: IoU "
        f"{percent(row['iou'])} on {row['held_out']} held-out images after {row['minutes']:.1f} "
        f"minutes (the best constant mask has {percent(row['constant_iou'])})"
        for row in rows
    ]
    return f"{'; '.join(told)}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = command.parser(QUESTION, "runs/own_masks")
    options = parser.parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy", "torch"))
    quick = ["--epochs", "1"] if options.quick else []
    grid, rows = CellGrid(options.out / "cells"), []
    for name, start in STARTS.items():
        folder = options.out / name
        make = leaves if name == "leaves" else cars
        group = ["--group", "^[0-9a-f]+"] if name == "cars" else []
        count = (6 if options.quick else LEAVES) if name == "leaves" else CARS
        pairs = write_folders(make(options.data_dir, count), folder)
        begin = ["--init-from", start] if start != "nothing" else []
        key = {"collection": name, "start": start, "pairs": pairs, "quick": options.quick}
        rows.append(key | grid.cell(key, partial(learn, name, folder, [*begin, *group, *quick])))
    for row in rows:
        del row["quick"]
    return study.conclude(rows, finding(rows), [0], limits=LIMITS, quick=options.quick)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
