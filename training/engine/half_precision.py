"""Store a trained model's kernels in half precision: half of the bytes, the same answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load

from training.engine.failures import TrainingError
from training.engine.json_files import read_json
from training.engine.model_folder import write_model


def store_in_half(folder: Path, target: Path) -> None:
    """Write a copy of a model folder whose kernels are float16; biases and BatchNorms stay float32.

    Those have few numbers, and a variance may be smaller or larger than float16 reaches
    (6e-8 to 65,504).

    Args:
        folder: of the trained model.
        target: where the copy goes; what was there is replaced.

    Raises:
        TrainingError: if a weight is too large for float16.
    """
    weights = load((folder / "model.safetensors").read_bytes())
    with np.errstate(over="ignore"):  # told of below, by name
        halved = {
            name: value.astype(np.float16)
            if value.dtype == np.float32 and value.ndim > 1
            else value
            for name, value in weights.items()
        }
    if lost := [name for name, value in halved.items() if not np.isfinite(value).all()]:
        raise TrainingError(f"{folder} cannot be stored in half precision: {lost[0]} is too large.")
    config, record = read_json(folder / "config.json"), read_json(folder / "record.json")
    write_model(target, halved, config, record | {"stored": "kernels in float16"})
