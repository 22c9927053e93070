"""What is shipped of a PyTorch network: half of the bytes, where no figure shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.engine.json_files import read_json, write_json
from training.engine.model_folder import store_in_half
from training.evaluate import evaluate
from training.metrics.photo_kinds import Masks

CHANGE = 1e-4  # most that half precision may move a figure of the validation images
FIGURES = ("accuracy", "iou", "boundary_iou", "good", "fair")
KINDS = {"validation": None, "validation_phone": Masks("phone")}


def in_half(folder: Path, data_dir: Path) -> Path:
    """Return the folder of the same network in half precision, or ``folder`` if a figure shows it.

    How much each figure moves is told in the new folder's record, as ``stored_change``.

    Args:
        folder: of a finished run; the new one is ``half`` in it.
        data_dir: see `training.data`.

    Raises:
        TrainingError: if there are no validation images, or a weight is too large for float16.
    """
    half = folder / "half"
    store_in_half(folder, half)
    record = read_json(half / "record.json")
    changed, most = _changed(record, folder, half, data_dir), CHANGE
    if "validation accuracy" in changed:  # it moves by whole images: one may fall over
        most = max(CHANGE, 1.001 / record["metrics"]["validation"]["n"])
    name, change = max(changed.items(), key=lambda item: abs(item[1]))
    if abs(change) > most:
        print(f"{folder} stays in float32: half precision moves {name} by {change:+.5f}")
        return folder
    write_json(half / "record.json", record | {"stored_change": changed})
    return half


def _changed(record: dict[str, Any], whole: Path, half: Path, data_dir: Path) -> dict[str, float]:
    """Return by how much half precision moves each figure of the validation images."""
    found: dict[str, float] = {}
    for kind, masks in KINDS.items():
        if kind not in record["metrics"]:
            continue
        before, after = (
            evaluate(record["model"], data_dir, "validation", folder=folder, masks=masks)["metrics"]
            for folder in (whole, half)
        )
        known = [name for name in FIGURES if name in before]
        found |= {f"{kind} {name}": after[name] - before[name] for name in known}
    return found
