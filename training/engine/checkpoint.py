"""Checkpoints: arrays in a safetensors file, everything else as JSON in its metadata.

One file, written atomically, so that a kill at any moment leaves either the last checkpoint or
the new one. Nothing is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from training.engine.failures import TrainingError
from zoo.weights.atomic_files import write_bytes

if TYPE_CHECKING:  # the NumPy network trains without torch
    from torch import Tensor


def save_checkpoint(
    path: Path, groups: Mapping[str, Mapping[str, NDArray]], progress: Mapping[str, Any]
) -> None:
    """Write a checkpoint.

    Args:
        path: the file.
        groups: named groups of arrays, such as ``{"network": …, "optimizer": …}``.
        progress: what else a resumed run needs (epoch, history, recipe); must be valid JSON.
    """
    arrays = {
        f"{group}/{name}": np.require(array, requirements="C")
        for group, members in groups.items()
        for name, array in members.items()
    }
    write_bytes(path, save(arrays, {"progress": json.dumps(progress, allow_nan=False)}))


def as_array(tensor: Tensor) -> NDArray:
    """Return a copy of a tensor, on any device, that a checkpoint can hold."""
    return tensor.detach().cpu().contiguous().numpy().copy()


def restore(
    path: Path, identity: Mapping[str, Any], resume: bool
) -> tuple[dict[str, dict[str, NDArray]], dict[str, Any]] | None:
    """Return the checkpoint that a run goes on from, or None for a new run.

    Args:
        path: the run's checkpoint; it need not exist.
        identity: recipe, seed and data of the run, which its checkpoint's ``progress["identity"]``
            must equal.
        resume: whether to go on.

    Raises:
        TrainingError: if there is a checkpoint and ``resume`` is off, or it is of another run.
    """
    if not path.exists():
        return None
    if not resume:
        raise TrainingError(
            f"{path.parent} already holds a run; add --resume, or give another --out."
        )
    groups, progress = load_checkpoint(path)
    if progress["identity"] != identity:
        raise TrainingError(
            f"{path.parent} holds a run with another recipe, seed or data "
            f"({_difference(progress['identity'], identity)}); give another --out."
        )
    return groups, progress


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Name the first thing in which two identities differ."""
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            if text := _difference(old[key], value):
                return text
        elif old.get(key) != value:
            return f"{key} was {old.get(key)} and is {value}"
    return ""


def load_checkpoint(path: Path) -> tuple[dict[str, dict[str, NDArray]], dict[str, Any]]:
    """Return (groups, progress) as `save_checkpoint` got them.

    Raises:
        TrainingError: if there is no readable checkpoint.
    """
    groups: dict[str, dict[str, NDArray]] = {}
    try:
        with safe_open(path, framework="numpy") as file:
            progress = json.loads(file.metadata()["progress"])
            for key in file.keys():  # noqa: SIM118 - not a dict
                group, name = key.split("/", 1)
                groups.setdefault(group, {})[name] = file.get_tensor(key)
    except FileNotFoundError:
        raise TrainingError(
            f"There is no checkpoint in {path.parent}; leave --resume out to start a new run."
        ) from None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise TrainingError(
            f"{path} is not a checkpoint of this program ({error}); delete it to start again."
        ) from None
    return groups, progress
