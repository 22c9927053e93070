"""Are the answers in bfloat16 those in float32?

    python -m training.experiments.deployment.reduced_precision --data-dir DIR

Every shipped model answers its validation images twice, in float32 as it is shipped and in bfloat16
by each backend that knows it (PyTorch, OpenVINO). ``zoo.load(precision="auto")`` takes bfloat16
only where a row for these weights says that it ``holds``: a classifier gives the same label to at
least 99.9 % of the images, a segmentation network's mean IoU moves by at most 0.0005. What is
finished lies in ``--out``; the same command goes on.

Rows, one a model and backend:

- ``model``; ``weights``: SHA-256 of its ``model.safetensors``.
- ``backend``: "torch" or "openvino"; ``precision``: "bfloat16".
- ``n``: validation images.
- ``same_label``: of a classifier: the share of images with the same label.
- ``iou_float32``, ``iou``: of a segmentation network: mean IoU in either precision;
  ``iou_between``: mean IoU between the two masks of an image.
- ``holds``: whether the difference is within the tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

import zoo
from training.data.readers import reader
from training.engine.failures import TrainingError, run_command
from training.experiments import command
from training.experiments.cells import CellGrid
from training.experiments.interval_text import percent
from zoo.backends.choosing import BFLOAT16, EXPERIMENT
from zoo.segmentation.masks import iou

NAME = EXPERIMENT
QUESTION = "Are the answers in bfloat16 those in float32?"
OUT = "runs/reduced_precision"
SAME_LABEL = 0.999  # at least; of a classifier's validation images
IOU = 0.0005  # at most, a segmentation network's difference in mean IoU
LIMITS = (
    "One processor: another one's bfloat16 instructions may round otherwise. A network that "
    "learned from the validation images too is surer of them than of others."
)
BATCH, QUICK = 500, 8
NOTHING = dict.fromkeys(("same_label", "iou_float32", "iou", "iou_between"))  # of the other task


def keys(names: Sequence[str], n: int | None) -> list[dict[str, Any]]:
    """Return what is measured: each model in each backend that knows bfloat16 for it.

    A network of NumPy has none in its own framework.
    """
    backends = [b for b in BFLOAT16 if b == "torch" or find_spec(b) is not None]
    return [
        {"model": name, "weights": zoo.info(name).sha256, "backend": backend, "first": n}
        for name in names
        for backend in backends
        if backend != "torch" or zoo.info(name).framework == "torch"
    ]


def measure(key: Mapping[str, Any], data_dir: Any) -> dict[str, Any]:
    """Compare a model's answers in the two precisions."""
    load = partial(zoo.load, key["model"], device="cpu", source="bundle")
    try:
        exact, reduced = load(), load(backend=key["backend"], precision="bfloat16")
    except zoo.ZooError as error:
        raise TrainingError(str(error)) from None
    images = reader(exact.config).load(data_dir, "validation")
    if isinstance(exact, zoo.Segmenter) and isinstance(reduced, zoo.Segmenter):
        return _masks(exact, reduced, images[: key["first"]])
    assert isinstance(exact, zoo.Classifier)
    assert isinstance(reduced, zoo.Classifier)
    return _labels(exact, reduced, images.images[: key["first"]])


def _labels(exact: zoo.Classifier, reduced: zoo.Classifier, images: np.ndarray) -> dict[str, Any]:
    same = 0
    for first in range(0, len(images), BATCH):
        inputs = np.stack([exact.preprocess(image) for image in images[first : first + BATCH]])
        one, two = (model.logits(inputs).argmax(axis=1) for model in (exact, reduced))
        same += int((one == two).sum())
    share = same / len(images)
    return {"n": len(images), "same_label": share, "holds": share >= SAME_LABEL}


def _masks(exact: zoo.Segmenter, reduced: zoo.Segmenter, pairs: Sequence[Any]) -> dict[str, Any]:
    found: list[tuple[float, float, float]] = []
    for pair in pairs:
        image, true = pair.read()
        one, two = (model.predict(image).mask for model in (exact, reduced))
        found.append((iou(one, true), iou(two, true), iou(one, two)))
    before, after, between = (float(np.mean(values)) for values in zip(*found, strict=True))
    return {
        "n": len(found),
        "iou_float32": before,
        "iou": after,
        "iou_between": between,
        "holds": abs(after - before) <= IOU,
    }


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""

    def said(row: Mapping[str, Any]) -> str:
        what = (
            f"{percent(row['same_label'], 2)} of {row['n']:,} labels are the same"
            if row["same_label"] is not None
            else f"over {row['n']:,} images IoU moves by "
            f"{100 * (row['iou'] - row['iou_float32']):+.3f} points"
        )
        verdict = "" if row["holds"] else ", which is not within the tolerance"
        return f"{row['model']} in {row['backend']}: {what}{verdict}"

    return f"In bfloat16: {'; '.join(map(said, rows))}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, OUT).parse_args(arguments)
    packages = [p for p in ("numpy", "torch", "openvino") if find_spec(p) is not None]
    study = command.Study(NAME, QUESTION, options, packages)
    grid = CellGrid(options.out)
    wanted = keys(zoo.list_models(own=False), QUICK if options.quick else None)
    results = grid.all(wanted, partial(measure, data_dir=options.data_dir))
    rows = [
        {name: key[name] for name in ("model", "weights", "backend")}
        | {"precision": "bfloat16"}
        | NOTHING
        | result
        for key, result in zip(wanted, results, strict=True)
    ]
    return study.conclude(
        rows,
        finding(rows),
        seeds=[0],
        tolerance={"same_label": SAME_LABEL, "iou": IOU},
        limits=LIMITS,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
