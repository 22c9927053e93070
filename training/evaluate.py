"""Measure a model on the test or validation split.

    python -m training.evaluate mnist --data-dir DIR [--split validation] [--json]
    python -m training.evaluate mnist --data-dir DIR --folder RUN_DIR --record

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
from training import confusion
from training.data import cifar10, mnist
from training.errors import TrainingError, run_command
from training.files import read_json, write_json
from zoo.models import Classifier, load_folder

BATCH = 500
DATA = {module.DESCRIPTION["name"]: module for module in (mnist, cifar10)}


def evaluate(
    name: str,
    data_dir: Path,
    split: str = "test",
    device: str = "auto",
    folder: Path | None = None,
) -> dict[str, Any]:
    """Return ``{"model", "split", "n", "metrics", "device", "seconds"}`` for a model.

    Pictures go through ``model.predict_batch``, as any user's do. Metrics are fractions.

    Args:
        name: a model of the zoo.
        data_dir: see `training.data`.
        split: ``"test"`` or ``"validation"``.
        device: as for ``zoo.load``.
        folder: a model folder to measure instead of the zoo's own.

    Raises:
        TrainingError: if the data or the model is missing.
    """
    return _evaluate(name, data_dir, split, device, folder)[0]


def _evaluate(
    name: str, data_dir: Path, split: str, device: str, folder: Path | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what `evaluate` returns, and the details that a record keeps beside the metrics."""
    model = _load(name, device, folder)
    data = DATA.get(model.config["data"]["name"])
    if data is None:
        raise TrainingError(f"{name} has no evaluation yet.")
    pictures = data.load(data_dir, split)
    start = time.perf_counter()
    answers: list[zoo.Classification] = []
    for first in range(0, len(pictures), BATCH):
        answers += model.predict_batch(list(pictures.images[first : first + BATCH]))
    probabilities = np.stack([answer.probabilities for answer in answers])
    correct = int((probabilities.argmax(axis=1) == pictures.labels).sum())
    result = {
        "model": name,
        "split": split,
        "n": len(pictures),
        "metrics": {"accuracy": correct / len(pictures)},
        "device": model.device,
        "seconds": round(time.perf_counter() - start, 2),
    }
    return result, confusion.describe(probabilities, pictures.labels)


def _load(name: str, device: str, folder: Path | None) -> Classifier:
    try:
        if folder is not None:  # the catalog need not know it yet
            return load_folder(name, folder, device)
        return zoo.load(name, device=device, source="bundle")
    except zoo.ZooError as error:
        raise TrainingError(str(error)) from None


def record_test(folder: Path, data_dir: Path) -> dict[str, Any]:
    """Measure the model folder on the test set, once, and note it in its ``record.json``.

    A classifier's record also gets its confusion matrix and its boldest mistakes; see
    `training.confusion`.

    Returns:
        The metrics and n. If the record already has them, they are not measured again.
    """
    path = folder / "record.json"
    record = read_json(path)
    if "test" not in record["metrics"]:
        result, details = _evaluate(record["model"], data_dir, "test", "auto", folder)
        record["metrics"]["test"] = result["metrics"] | {"n": result["n"]}
        write_json(path, record | details)
    return dict(record["metrics"]["test"])


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
    arguments = parser.parse_args()
    if arguments.record:
        if arguments.folder is None or arguments.split != "test":
            raise TrainingError("--record notes the test metrics of a run: name it by --folder.")
        print(json.dumps(record_test(arguments.folder, arguments.data_dir)))
        return 0
    result = evaluate(
        arguments.model, arguments.data_dir, arguments.split, arguments.device, arguments.folder
    )
    if arguments.json:
        print(json.dumps(result))
    else:
        for name, value in result["metrics"].items():
            print(f"{result['model']}  {result['split']}  {name} {value:.4f}  n={result['n']}")
    return 0


if __name__ == "__main__":
    run_command(main)
