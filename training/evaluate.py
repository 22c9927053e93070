"""Measure a model on the test or validation split.

    python -m training.evaluate mnist --data-dir DIR [--split validation] [--json]
    python -m training.evaluate mnist --data-dir DIR --folder RUN_DIR --record
    python -m training.evaluate carvana --data-dir DIR [--streets | --phone | --without-cars |
        --full-size [--no-refine]]

Nothing is chosen by what it says of the test set.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from training.data.readers import reader
from training.engine.failures import TrainingError, run_command
from training.engine.json_files import read_json, write_json
from training.metrics import confusion, reliability
from training.metrics.photo_kinds import KINDS, Masks
from zoo.command_parser import CommandParser
from zoo.loading import load_folder

BATCH = 500
DETAILS = {"confusion", "confident_errors", "error_examples", "reliability"}  # of a classifier


def evaluate(
    name: str,
    data_dir: Path,
    split: str = "test",
    device: str = "auto",
    folder: Path | None = None,
    masks: Masks | None = None,
) -> dict[str, Any]:
    """Return ``{"model", "split", "n", "metrics", "device", "seconds"}`` for a model.

    Images go through ``model.predict``, as any user's do. Metrics are fractions: ``accuracy`` of
    a classifier; ``iou``, ``dice``, ``boundary_iou`` (means over the images), ``worst`` and more
    of a segmentation network, see `training.metrics.mask_metrics.measure`; what is told of phone
    photos and of photos without a car is in `training.metrics.photo_sets`.

    Args:
        name: a model of the zoo.
        data_dir: see `training.data`.
        split: ``"test"`` or ``"validation"``.
        device: as for ``zoo.load``.
        folder: a model folder to measure instead of the zoo's own.
        masks: how to measure a segmentation network; by default on the studio's photos, small.

    Raises:
        TrainingError: if the data or the model is missing.
    """
    model = _load(name, device, folder)
    if isinstance(model, zoo.Segmenter):
        return _evaluate_masks(model, data_dir, split, masks or Masks())
    if masks is not None:
        raise TrainingError(f"{name} is no segmentation network: it has no masks to measure.")
    return _evaluate_classes(model, data_dir, split)[0]


def _evaluate_masks(
    model: zoo.Segmenter, data_dir: Path, split: str, masks: Masks
) -> dict[str, Any]:
    from training.metrics import photo_sets  # imports torch

    start = time.perf_counter()
    metrics = photo_sets.measure_kind(model, data_dir, split, masks)
    return _result(model, split, metrics.pop("n"), metrics, start)


def _evaluate_classes(
    model: zoo.Classifier, data_dir: Path, split: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `evaluate` returns, and the details that a record keeps beside the metrics."""
    data = reader(model.config)
    images = data.load(data_dir, split)
    start = time.perf_counter()
    answers: list[zoo.Classification] = []
    for first in range(0, len(images), BATCH):
        answers += model.predict_batch(list(images.images[first : first + BATCH]))
    probabilities = np.stack([answer.probabilities for answer in answers])
    correct = int((probabilities.argmax(axis=1) == images.labels).sum())
    metrics = {"accuracy": correct / len(images)}
    result = _result(model, split, len(images), metrics, start)
    temperature = model.record.get("calibration", {}).get("temperature")
    details = confusion.describe(probabilities, images.labels)
    trusted = reliability.describe(probabilities, images.labels, temperature, split)
    return result, details | {"reliability": trusted}


def _result(
    model: zoo.Model, split: str, n: int, metrics: dict[str, Any], start: float
) -> dict[str, Any]:
    return {
        "model": model.name,
        "split": split,
        "n": n,
        "metrics": metrics,
        "device": model.device,
        "seconds": round(time.perf_counter() - start, 2),
    }


def _load(name: str, device: str, folder: Path | None) -> zoo.Classifier | zoo.Segmenter:
    try:
        if folder is not None:  # the catalog need not know it yet
            return load_folder(name, folder, device)
        return zoo.load(name, device=device, source="bundle")
    except zoo.ZooError as error:
        raise TrainingError(str(error)) from None


def record_test(folder: Path, data_dir: Path) -> dict[str, Any]:
    """Measure the model folder on the test set, once, and note it in its ``record.json``.

    A classifier's record also gets its confusion matrix, its most confident errors and how far its
    confidence can be believed; see `training.metrics.confusion` and `training.metrics.reliability`.
    A car network is also measured in full size, on streets, on phone photos and where there is no
    car, as far as there are such photos (``metrics["test_full_size"]``,
    ``metrics["test_streets"]`` and so on).

    Returns:
        The metrics and n. If the record already has them, they are not measured again; of a
        classifier, what a record of an earlier version lacks beside them is added.

    Raises:
        TrainingError: if what would be added contradicts what is recorded.
    """
    path = folder / "record.json"
    record = read_json(path)
    known = "test" in record["metrics"]
    if known and ("confusion" not in record or record.keys() >= DETAILS):
        return dict(record["metrics"]["test"])
    model = _load(record["model"], "auto", folder)
    if isinstance(model, zoo.Segmenter):
        _record_masks(model, record, data_dir)
    else:
        result, details = _evaluate_classes(model, data_dir, "test")
        if known and details["confusion"] != record["confusion"]:
            raise TrainingError(
                f"The network in {folder} answers otherwise here than its record says, so nothing "
                "was added to it: evaluate it on the machine that recorded it."
            )
        record["metrics"].setdefault("test", result["metrics"] | {"n": result["n"]})
        record |= {name: found for name, found in details.items() if name not in record}
    write_json(path, record)
    return dict(record["metrics"]["test"])


def _record_masks(model: zoo.Segmenter, record: dict[str, Any], data_dir: Path) -> None:
    from training.metrics import photo_sets  # imports torch

    for name, masks in photo_sets.recorded_kinds(model, data_dir).items():
        result = _evaluate_masks(model, data_dir, "test", masks)
        record["metrics"][name] = result["metrics"] | {"n": result["n"]}


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m training.evaluate", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("model", help="a model of the zoo")
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--split", choices=["test", "validation"], default="test")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--folder", type=Path, help="a model folder, instead of the zoo's own")
    parser.add_argument(
        "--record", action="store_true", help="note the test metrics in the folder's record.json"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    kind = parser.add_mutually_exclusive_group()
    for name, words in KINDS.items():
        if name == Masks.kind:
            continue
        kind.add_argument(
            f"--{name.replace('_', '-')}", action="store_const", dest="kind", const=name,
            default=Masks.kind, help=f"carvana: on {words}",
        )  # fmt: skip
    parser.add_argument(
        "--no-refine", action="store_true", help="with --full-size: masks scaled up without more"
    )
    return parser


def main() -> int:
    """Run the command line."""
    arguments = _parser().parse_args()
    if arguments.record:
        if arguments.folder is None or arguments.split != "test":
            raise TrainingError("--record notes the test metrics of a run: name it by --folder.")
        print(json.dumps(record_test(arguments.folder, arguments.data_dir)))
        return 0
    masks = None
    if arguments.kind != Masks.kind or arguments.no_refine:
        masks = Masks(arguments.kind, not arguments.no_refine)
    result = evaluate(
        arguments.model,
        arguments.data_dir,
        arguments.split,
        arguments.device,
        arguments.folder,
        masks,
    )
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, value in result["metrics"].items():
            if not isinstance(value, float):  # the single images; see --json
                continue
            print(f"{result['model']}  {result['split']}  {name} {value:.4f}  n={result['n']}")
    return 0


if __name__ == "__main__":
    run_command(main)
