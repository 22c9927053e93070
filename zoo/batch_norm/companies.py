"""How a trained network's answer to an image hangs on the batch, if the batch's statistics count.

What the page shows of it is the same for everybody and takes a second of a processor an image;
``python -m training.metrics.company_record`` keeps it, a file a model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from zoo.functions import softmax

SIZES = (1, 2, 4, 16)  # of the batches
DRAWS = 8  # batches of each size
LOOKED_AT = 64  # images among which those are looked for whose answer flips
FOLDER = Path(__file__).parent.parent / "samples" / "companies"


def flipping(network: Any, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the numbers of images, those first that are right evaluated and wrong in a batch.

    Args:
        network: A classifier with BatchNorm; it is left as it is.
        inputs: float32 (N, C, H, W); the first :data:`LOOKED_AT` are looked at.
        labels: integers (N,).
    """
    from zoo.batch_norm.two_modes import logits  # late, with torch: what is recorded needs neither

    inputs, labels = inputs[:LOOKED_AT], labels[:LOOKED_AT]
    alone = softmax(logits(network, inputs))
    batch = softmax(logits(network, inputs, "batch", SIZES[-1]))
    rows = np.arange(len(labels))
    right = alone.argmax(axis=1) == labels
    flips = right & (batch.argmax(axis=1) != labels)
    lost = np.where(right, alone[rows, labels] - batch[rows, labels], -1.0)
    return np.lexsort((-lost, ~flips))


def answers_in(network: Any, inputs: np.ndarray, index: int, size: int) -> np.ndarray:
    """Return the probabilities (draws, K) of an image in several batches of a size.

    Args:
        network, inputs: As of :func:`flipping`.
        index: Number of the image.
        size: Images in the batch; alone, it needs no second draw.
    """
    from zoo.batch_norm.two_modes import batch_dependence

    others = np.delete(inputs[: 4 * LOOKED_AT], index, axis=0)
    draws = 1 if size == 1 else DRAWS
    return batch_dependence(network, inputs[index], others, size, draws, seed=size)


def path_of(model: str) -> Path:
    """Return where a model's record lies, whether it is there or not."""
    return FOLDER / f"{model}.safetensors"


def facts(sha256: str, image_set: str) -> str:
    """Return what a record holds true for: the weights' file, and the images."""
    settings = {"sizes": SIZES, "draws": DRAWS, "looked_at": LOOKED_AT}
    return json.dumps({"sha256": sha256, "image_set": image_set, **settings})


def recorded(model: str, sha256: str, image_set: str) -> Mapping[str, np.ndarray]:
    """Return ``"order"``, as of :func:`flipping`, and by "<index> <size>" what :func:`answers_in`
    returns; nothing for other weights or images.
    """
    path = path_of(model)
    try:
        return _read(path, path.stat().st_mtime_ns, facts(sha256, image_set))
    except OSError:
        return {}


@lru_cache(maxsize=8)
def _read(path: Path, mtime_ns: int, wanted: str) -> Mapping[str, np.ndarray]:
    try:
        with safe_open(path, "numpy") as file:
            if (file.metadata() or {}).get("facts") != wanted:
                return {}
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError):
        return {}  # it is only a shortcut
