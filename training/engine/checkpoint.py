"""Checkpoints: arrays in a safetensors file, everything else as JSON in its metadata.

One file, written atomically, so that a kill at any moment leaves either the last checkpoint or
the new one. It carries a checksum: weights of which one bit is another would be trained on without
a word. Nothing is pickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from training.engine.failures import TrainingError, reason
from training.engine.recipe_json import completed
from zoo.weights.atomic_files import write_bytes

if TYPE_CHECKING:  # the NumPy network trains without torch
    from torch import Tensor

CHECKPOINT = "checkpoint.safetensors"  # in a run's folder


def save_checkpoint(
    path: Path, groups: Mapping[str, Mapping[str, NDArray]], progress: Mapping[str, Any]
) -> None:
    """Write a checkpoint.

    Args:
        path: the file.
        groups: named groups of arrays, such as ``{"network": …, "optimizer": …}``.
        progress: what else a resumed run needs (epoch, history, recipe); must be valid JSON.

    Raises:
        TrainingError: if it cannot be written; the last checkpoint is still there.
    """
    arrays = {
        f"{group}/{name}": np.require(array, requirements="C")
        for group, members in groups.items()
        for name, array in members.items()
    }
    text = json.dumps(progress, allow_nan=False)
    content = save(arrays, {"progress": text, "sha256": _checksum(arrays, text)})
    try:
        write_bytes(path, content)
    except OSError as error:
        raise TrainingError(
            f"{path} could not be written ({reason(error)}); the last checkpoint is kept, and "
            "once there is room the same command with --resume goes on from it."
        ) from None


def _checksum(arrays: Mapping[str, NDArray], progress: str) -> str:
    """Return the SHA-256 of all arrays, their names, types and shapes, and the progress."""
    total = hashlib.sha256(progress.encode())
    for name in sorted(arrays):
        array = arrays[name]
        total.update(f"{name} {array.dtype.str} {array.shape}".encode())
        total.update(np.require(array, requirements="C").reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def as_array(tensor: Tensor) -> NDArray:
    """Return a copy of a tensor, on any device, that a checkpoint can hold."""
    return tensor.detach().cpu().contiguous().numpy().copy()


def restore(
    path: Path, identity: Mapping[str, Any], defaults: Mapping[str, Any], resume: bool
) -> tuple[dict[str, dict[str, NDArray]], dict[str, Any]] | None:
    """Return the checkpoint that a run goes on from, or None for a new run.

    Args:
        path: the run's checkpoint; it need not exist.
        identity: recipe, seed and data of the run, which its checkpoint's ``progress["identity"]``
            must equal.
        defaults: what a checkpoint of an earlier version is taken to say where it says nothing.
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
    earlier = completed(progress["identity"], defaults)
    if earlier != identity:
        raise TrainingError(
            f"{path.parent} holds a run with another recipe, seed or data "
            f"({_difference(earlier, identity)}); give another --out."
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
    return ", ".join(f"{key} is no setting any more" for key in old.keys() - new.keys())


def load_checkpoint(path: Path) -> tuple[dict[str, dict[str, NDArray]], dict[str, Any]]:
    """Return (groups, progress) as `save_checkpoint` got them.

    Raises:
        TrainingError: if there is no readable checkpoint.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata()
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no dict
        progress = json.loads(metadata["progress"])
        if metadata["sha256"] != _checksum(arrays, metadata["progress"]):
            raise ValueError("its checksum is another")
        groups: dict[str, dict[str, NDArray]] = {}
        for key, array in arrays.items():
            group, name = key.split("/", 1)
            groups.setdefault(group, {})[name] = array
    except FileNotFoundError:
        raise TrainingError(
            f"There is no checkpoint in {path.parent}; leave --resume out to start a new run."
        ) from None
    # A damaged header may ask safetensors and NumPy for anything.
    except Exception as error:
        what = "it has no checksum" if isinstance(error, KeyError) else reason(error)
        raise TrainingError(
            f"{path} is damaged, or no checkpoint of this version ({what}); delete it to start "
            "anew."
        ) from None
    return groups, progress
