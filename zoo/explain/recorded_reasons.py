"""What explains the answers to the shipped samples, as recorded for a model's weights.

Occlusion asks the network about a hundred covered copies of an image. That takes a third of a
second of a processor, and a class of students begins with the same samples: ``python -m
training.metrics.reason_record`` writes what it finds, a file a model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from zoo.explain.grad_cam import grad_cam
from zoo.explain.occlusion import occlusion
from zoo.models import Model

FOLDER = Path(__file__).parent.parent / "samples" / "reasons"
Reasons = tuple[np.ndarray, np.ndarray]


def path_of(model: str) -> Path:
    """Return where a model's record lies, whether it is there or not."""
    return FOLDER / f"{model}.safetensors"


def settings(model: Model) -> Mapping[str, Any]:
    """Return what occlusion covers of a model's images: a quarter of a photo's side with the mean
    colour, which says least in a photo; a stroke's width of a digit with black, which is no ink.
    """
    photo = model.preprocessing.channels == 3
    return {"patch": 8, "stride": 3, "fill": None} if photo else {}


def key(view: np.ndarray, target: str) -> str:
    """Return what an image and a class are kept by.

    Args:
        view: uint8 array (H, W) or (H, W, 3), what the network sees.
        target: Label of the class that is explained.
    """
    return f"{_digest(view)} {target}"


def holds(record: Mapping[str, Reasons], view: np.ndarray) -> bool:
    """Return whether an image is a sample, by what was recorded of them."""
    return any(name.startswith(f"{_digest(view)} ") for name in record)


def _digest(view: np.ndarray) -> str:
    return hashlib.sha256(view.tobytes()).hexdigest()[:32]


def compute(model: Model, view: np.ndarray, target: str) -> Reasons:
    """Return occlusion's map and Grad-CAM's, float32 (H, W) each."""
    drop = occlusion(model, view, target, **settings(model))
    return drop, grad_cam(model, view, target)


def recorded(model: Model, sha256: str) -> Mapping[str, Reasons]:
    """Return what was recorded for a model, by :func:`key`; nothing for other weights.

    Args:
        model: A loaded model.
        sha256: Of the weights' file: what other weights look at says nothing.
    """
    path = path_of(model.name)
    try:
        return _read(path, path.stat().st_mtime_ns, facts(model, sha256))
    except OSError:
        return {}


def facts(model: Model, sha256: str) -> str:
    """Return what a record holds true for: weights and settings."""
    return json.dumps({"sha256": sha256, **settings(model)})


@lru_cache(maxsize=8)
def _read(path: Path, mtime_ns: int, wanted: str) -> Mapping[str, Reasons]:
    try:
        with safe_open(path, "numpy") as file:
            if (file.metadata() or {}).get("facts") != wanted:
                return {}
            found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return {name: (maps[0], maps[1]) for name, maps in found.items()}
    except (OSError, SafetensorError, ValueError, IndexError):
        return {}  # it is only a shortcut
