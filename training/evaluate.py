"""Measure a model on the test or validation split.

    python -m training.evaluate mnist --data-dir DIR [--split validation] [--json]
    python -m training.evaluate mnist --data-dir DIR --folder RUN_DIR --record
    python -m training.evaluate carvana --data-dir DIR [--streets | --full-size [--no-refine] |
        --phone | --without-cars]

Nothing is chosen by what it says of the test set.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import zoo
from training import confusion
from training.data import cifar10, mnist
from training.errors import TrainingError, run_command
from training.files import read_json, write_json
from zoo.loading import load_folder

BATCH = 500
ENLARGED = 60  # of CIFAR-10's pictures, as photos without a car
DATA = {module.DESCRIPTION["name"]: module for module in (mnist, cifar10)}


def evaluate(
    name: str,
    data_dir: Path,
    split: str = "test",
    device: str = "auto",
    folder: Path | None = None,
    masks: Masks | None = None,
) -> dict[str, Any]:
    """Return ``{"model", "split", "n", "metrics", "device", "seconds"}`` for a model.

    Pictures go through ``model.predict``, as any user's do. Metrics are fractions: ``accuracy`` of
    a classifier; ``iou``, ``dice``, ``boundary_iou`` (means over the pictures), ``worst`` and more
    of a segmentation network, see `training.segmentation_metrics.measure`.

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


@dataclass(frozen=True)
class Masks:
    """How a segmentation network is measured.

    Attributes:
        streets: on street photos with a large vehicle, not on the studio's.
        phone: on phone photos with partial masks; see `training.phone_photos`.
        without: on photos without a car, of which the model should find none.
        full_size: on the photos in their original size; otherwise scaled to 512 pixels.
        refine: as for ``zoo.Segmenter.predict``; only photos in full size have something to refine.
    """

    streets: bool = False
    full_size: bool = False
    refine: bool = True
    phone: bool = False
    without: bool = False


def _evaluate_masks(
    model: zoo.Segmenter, data_dir: Path, split: str, masks: Masks
) -> dict[str, Any]:
    from training import segmentation_metrics
    from training.data import carvana, streets  # which import torch

    if model.config["data"]["name"] != carvana.DESCRIPTION["name"]:
        raise TrainingError(f"{model.name} has no evaluation yet.")
    if masks.phone:
        return _evaluate_phone(model, data_dir, split)
    if masks.without:
        return _evaluate_without(model, data_dir, split)
    if masks.streets:
        pairs = streets.load(data_dir, split, large_only=True)
    else:
        pairs = carvana.load(data_dir, split, masks.full_size)

    def answers() -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]:
        for pair in pairs:
            image, true = pair.read()
            yield pair.name, model.predict(image, masks.refine).mask, true

    start = time.perf_counter()
    metrics = segmentation_metrics.measure(answers())
    return _result(model, split, len(pairs), metrics, start)


def _evaluate_phone(model: zoo.Segmenter, data_dir: Path, split: str) -> dict[str, Any]:
    from training import phone_photos
    from training.data import car_photos

    photos = car_photos.load(data_dir, split)

    def answers() -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.uint8]]]:
        for photo in photos:
            image, partial = photo.read()
            yield photo.name, model.predict(image).mask, partial

    start = time.perf_counter()
    metrics = phone_photos.measure(answers())
    return _result(model, split, len(photos), metrics, start)


def _evaluate_without(model: zoo.Segmenter, data_dir: Path, split: str) -> dict[str, Any]:
    """Return in which share of photos without a car none is found, also by kind of photo.

    Backgrounds that no car was pasted on in training; and CIFAR-10's pictures, which show no car,
    enlarged as any small picture is.
    """
    from training.data import streets

    pictures = cifar10.load(data_dir, split)
    vehicles = [cifar10.LABELS.index(name) for name in ("automobile", "truck")]
    others = pictures.images[~np.isin(pictures.labels, vehicles)][:ENLARGED]
    kinds: dict[str, list[Any]] = {
        "backgrounds": list(streets.load_backgrounds(data_dir, split)),
        "cifar10": list(others),
    }
    start = time.perf_counter()
    refused = {
        kind: [not model.predict(image).found for image in images]
        for kind, images in kinds.items()
        if images
    }
    metrics = {f"refused_{kind}": float(np.mean(found)) for kind, found in refused.items()}
    every = [answer for found in refused.values() for answer in found]
    metrics |= {"refused": float(np.mean(every))}
    return _result(model, split, len(every), metrics, start)


def _evaluate_classes(
    model: zoo.Classifier, data_dir: Path, split: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `evaluate` returns, and the details that a record keeps beside the metrics."""
    data = DATA.get(model.config["data"]["name"])
    if data is None:
        raise TrainingError(f"{model.name} has no evaluation yet.")
    pictures = data.load(data_dir, split)
    start = time.perf_counter()
    answers: list[zoo.Classification] = []
    for first in range(0, len(pictures), BATCH):
        answers += model.predict_batch(list(pictures.images[first : first + BATCH]))
    probabilities = np.stack([answer.probabilities for answer in answers])
    correct = int((probabilities.argmax(axis=1) == pictures.labels).sum())
    metrics = {"accuracy": correct / len(pictures)}
    result = _result(model, split, len(pictures), metrics, start)
    return result, confusion.describe(probabilities, pictures.labels)


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

    A classifier's record also gets its confusion matrix and its boldest mistakes; see
    `training.confusion`. A car network is also measured on street photos, where there are any
    (``metrics["streets_test"]``).

    Returns:
        The metrics and n. If the record already has them, they are not measured again.
    """
    path = folder / "record.json"
    record = read_json(path)
    if "test" not in record["metrics"]:
        model = _load(record["model"], "auto", folder)
        if isinstance(model, zoo.Segmenter):
            _record_masks(model, record, data_dir)
        else:
            result, details = _evaluate_classes(model, data_dir, "test")
            record["metrics"]["test"] = result["metrics"] | {"n": result["n"]}
            record |= details
        write_json(path, record)
    return dict(record["metrics"]["test"])


def _record_masks(model: zoo.Segmenter, record: dict[str, Any], data_dir: Path) -> None:
    from training.data import car_photos, carvana, streets  # which import torch

    measured = {"test": Masks()}
    if max(carvana.load(data_dir, "test", full_size=True)[0].read()[1].shape) > carvana.WIDTH:
        measured["full_size_test"] = Masks(full_size=True)
    if streets.available(data_dir):  # Kaggle has none
        measured["streets_test"] = Masks(streets=True)
    if car_photos.available(data_dir):
        measured["phone_test"] = Masks(phone=True)
    for name, masks in measured.items():
        result = _evaluate_masks(model, data_dir, "test", masks)
        record["metrics"][name] = result["metrics"] | {"n": result["n"]}


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
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
    kind.add_argument("--streets", action="store_true", help="carvana: on street photos")
    kind.add_argument("--full-size", action="store_true", help="carvana: on the original photos")
    kind.add_argument("--phone", action="store_true", help="carvana: on phone photos, in part")
    kind.add_argument("--without-cars", action="store_true", help="carvana: where there is no car")
    parser.add_argument(
        "--no-refine", action="store_true", help="with --full-size: masks scaled up without more"
    )
    arguments = parser.parse_args()
    if arguments.record:
        if arguments.folder is None or arguments.split != "test":
            raise TrainingError("--record notes the test metrics of a run: name it by --folder.")
        print(json.dumps(record_test(arguments.folder, arguments.data_dir)))
        return 0
    masks = None
    chosen = Masks(
        arguments.streets, arguments.full_size, not arguments.no_refine, arguments.phone,
        arguments.without_cars,
    )  # fmt: skip
    masks = None if chosen == Masks() else chosen
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
            if not isinstance(value, float):  # the single pictures; see --json
                continue
            print(f"{result['model']}  {result['split']}  {name} {value:.4f}  n={result['n']}")
    return 0


if __name__ == "__main__":
    run_command(main)
