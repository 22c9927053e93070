"""Keep test images that a classifier gets wrong, for the app to show.

    python -m training.metrics.error_samples cifar10 --data-dir DIR

writes the most confident errors, and some of every cell of the confusion matrix, to
``zoo/samples/<model>_errors``, where the app finds them. Which ones they are stands in the model's
record since its one evaluation on the test set; nothing is measured here.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.readers import reader
from training.engine.failures import TrainingError, run_command
from training.engine.json_files import read_json, write_json
from training.engine.model_folder import BUNDLE
from training.engine.provenance import ROOT
from zoo.command_parser import CommandParser
from zoo.weights.atomic_files import write_bytes

SAMPLES = ROOT / "zoo" / "samples"


def save(folder: Path, data_dir: Path) -> Path:
    """Write the images of a model's mistakes as a collection for ``zoo.samples.samples``.

    Args:
        folder: the model's folder, whose record lists its mistakes.
        data_dir: see `training.data`.

    Returns:
        The collection's folder, ``zoo/samples/<model>_errors``. Images of earlier weights are
        removed from it.

    Raises:
        TrainingError: if the model's record lists no mistakes, or the data is missing.
    """
    try:
        record, config = (read_json(folder / name) for name in ("record.json", "config.json"))
    except OSError:
        raise TrainingError(f"There is no model in {folder}: train and export it first.") from None
    if "confident_errors" not in record:
        raise TrainingError(
            f"The record in {folder} lists no mistakes: run training.evaluate --record first."
        )
    images = reader(config).load(data_dir, "test").images
    target = SAMPLES / f"{config['model']}_errors"
    shutil.rmtree(target, ignore_errors=True)
    kept = _kept(record)
    for mistake in kept:
        write_bytes(target / _file(mistake["index"]), _png(images[mistake["index"]]))
    write_json(target / "samples.json", _table(kept, config))
    return target


def _kept(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the errors whose images are kept: each once, the most confident ones first."""
    listed = [*record["confident_errors"], *record.get("error_examples", [])]
    return list({mistake["index"]: mistake for mistake in listed}.values())


def _table(mistakes: Sequence[Mapping[str, Any]], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what samples.json shall hold."""
    data = config["data"]
    entries = [
        {
            "id": f"test-{mistake['index']:05d}",
            "file": _file(mistake["index"]),
            "label": config["labels"][mistake["true"]],
            "group": "hard",
            "index": mistake["index"],
            "description": f"{data['name']} test image {mistake['index']}",
        }
        for mistake in mistakes
    ]
    credit = f"{data['name']} test set. {data['citation']}"
    return {"credit": credit, "license": data["license"], "samples": entries}


def _file(index: int) -> str:
    return f"{index:05d}.png"


def _png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def main() -> int:
    """Run the command line."""
    parser = CommandParser(
        prog="python -m training.metrics.error_samples",
        description="Write images that a bundled classifier gets wrong.",
    )
    parser.add_argument("model", help="a classifier of the zoo")
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    options = parser.parse_args()
    print(f"written to {save(BUNDLE / options.model, options.data_dir)}")
    return 0


if __name__ == "__main__":
    run_command(main)
