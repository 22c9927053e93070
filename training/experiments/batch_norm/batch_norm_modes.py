"""How well does the trained network do with the statistics of a batch, instead of running ones?

    python -m training.experiments.batch_norm.batch_norm_modes --data-dir DIR

The bundled cifar10 network on the 10,000 test images: in evaluation mode; with the statistics of
batches of 1 to 256 images at random; and with those of batches that show a single class. Nothing
is chosen by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import zoo
from training.data import cifar_images
from training.engine.failures import run_command
from training.experiments import command, shipped
from training.experiments.cells import CellGrid
from training.experiments.interval_text import percent
from zoo.batch_norm import accuracy, layer_names

NAME = "batch_norm_modes"
MODEL = "cifar10"
QUESTION = "What is the trained network's accuracy with the statistics of a batch?"
LIMITS = (
    "One network and one order of the images. A last batch that is not full is left out, so n "
    "differs a little."
)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ONE_CLASS_SIZES = (4, 16, 64, 256)
QUICK_IMAGES = 64


def plan(weights: str, images: int) -> list[dict[str, Any]]:
    """Return the cells: statistics, composition and size of the batches."""
    cases = [("running", "mixed", 256)]
    cases += [("batch", "mixed", size) for size in SIZES]
    cases += [("batch", "one class", size) for size in ONE_CLASS_SIZES]
    return [
        {
            "experiment": NAME,
            "weights": weights,
            "images": images,
            "statistics": statistics,
            "batches": composition,
            "batch_size": size,
        }
        for statistics, composition, size in cases
        if size <= images // (len(cifar_images.LABELS) if composition == "one class" else 1)
        or statistics == "running"
    ]


def measure(model: zoo.Model, images: cifar_images.LabelledImages, key: Mapping[str, Any]) -> dict:
    """Return accuracy and n of one cell."""
    inputs = model.preprocessing.normalize_batch(images.images)
    found = accuracy(
        model.network,
        inputs,
        images.labels,
        statistics=key["statistics"],
        batch_size=key["batch_size"],
        one_class=key["batches"] == "one class",
    )
    return {"accuracy": found.accuracy, "n": found.n}


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    running = next(row for row in rows if row["statistics"] == "running")
    mixed = [row for row in rows if row["statistics"] == "batch" and row["batches"] == "mixed"]
    single = [row for row in rows if row["batches"] == "one class"]
    parts = [
        f"with those of mixed batches {percent(row['accuracy'])} at {row['batch_size']}"
        if row is mixed[0]
        else f"{percent(row['accuracy'])} at {row['batch_size']}"
        for row in mixed
    ]
    worst = min(single, key=lambda row: row["accuracy"])
    return (
        f"With running statistics {percent(running['accuracy'])} of {running['n']:,} test images "
        f"are right, {', '.join(parts)}, and in batches of one class as few as "
        f"{percent(worst['accuracy'])} at {worst['batch_size']}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, "runs/batch_norm").parse_args(arguments)
    experiment = command.Study(NAME, QUESTION, options, ("numpy", "torch"))
    model = shipped.classifier(MODEL)
    images = cifar_images.load(options.data_dir, "test")
    if options.quick:
        images = images[:QUICK_IMAGES]
    weights, grid = zoo.info(MODEL).sha256, CellGrid(options.out)
    keys = plan(weights, len(images))
    results = grid.all(keys, lambda key: measure(model, images, key))
    rows = [
        {name: key[name] for name in ("statistics", "batches", "batch_size")} | result
        for key, result in zip(keys, results, strict=True)
    ]
    return experiment.conclude(
        rows,
        finding(rows),
        [0],
        model=MODEL,
        weights_sha256=weights,
        batch_norm_layers=len(layer_names(model.network)),
        measured_on=f"CIFAR-10, {len(images):,} test images",
        quick=options.quick,
        cell_commits=sorted(grid.commits),
        limits=LIMITS,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
