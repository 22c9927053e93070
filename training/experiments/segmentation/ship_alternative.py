"""Put a network that stands beside the U-Net into the zoo, in half precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training import evaluate
from training.engine.failures import TrainingError
from training.engine.json_files import read_json, write_json
from training.engine.model_folder import export, store_in_half
from training.metrics.photo_kinds import Masks

CHANGE = 1e-4  # most that half precision may move a figure of the validation images
FIGURES = ("iou", "boundary_iou", "good", "fair")
KINDS = {"validation": Masks(), "validation_phone": Masks("phone")}


def ship(folder: Path, data_dir: Path) -> Path:
    """Store a trained network in half precision, measure it on the test photos, export it.

    Args:
        folder: of the finished training; ``half`` in it is what is exported.
        data_dir: see `training.data`.

    Returns:
        The folder in the bundle.

    Raises:
        TrainingError: if half precision changes a figure.
    """
    half = folder / "half"
    store_in_half(folder, half)
    record = read_json(half / "record.json")
    changed = _changed(record, half, data_dir)
    if worst := max(changed.items(), key=lambda item: abs(item[1]), default=None):
        name, change = worst
        if abs(change) > CHANGE:
            raise TrainingError(
                f"{folder} cannot be stored in half precision: {name} moves by {change:+.5f}."
            )
    write_json(half / "record.json", record | {"stored_change": changed})
    evaluate.record_test(half, data_dir)
    return export(half)


def _changed(record: dict[str, Any], half: Path, data_dir: Path) -> dict[str, float]:
    """Return by how much half precision moves each figure of the validation photos."""
    found: dict[str, float] = {}
    for kind, masks in KINDS.items():
        if kind not in record["metrics"]:
            continue
        before = record["metrics"][kind]
        after = evaluate.evaluate(
            record["model"], data_dir, "validation", folder=half, masks=masks
        )["metrics"]
        found |= {
            f"{kind} {name}": after[name] - before[name] for name in FIGURES if name in before
        }
    return found
