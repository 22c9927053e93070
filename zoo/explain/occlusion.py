"""Occlusion: how much the answer suffers when a part of the image is hidden.

Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.errors import ZooError
from zoo.functions import softmax
from zoo.models import Classifier
from zoo.preprocessing.images import ImageSource

_BATCH = 16  # hidden images per forward pass: bounds the memory of the activations


def occlusion(
    model: Classifier,
    image: ImageSource,
    target: int | str | None = None,
    patch: int = 5,
    stride: int = 2,
    fill: float | None = 0.0,
) -> np.ndarray:
    """Return the drop in a class's probability when a patch around each pixel is hidden.

    A square patch slides over the network's input; each pixel gets the mean drop of all patches
    that cover it.

    Args:
        model: A loaded classifier.
        image: The image, as for ``model.predict``.
        target: The class, by label or index; None for the predicted one.
        patch: Side of the patch in input pixels, at least 1.
        stride: Step of the patch in input pixels, at least 1.
        fill: Value of the hidden pixels in [0, 1] before normalization; 0 is black, which is
            "no ink" for the digits. None: the mean colour of the training images, which says
            least in a photo.

    Returns:
        float32 array of the network's input size (H, W). Positive: the pixel speaks for the class
        (probability lost without it, at most 1). Negative: it speaks against.

    Raises:
        ImageError: The image cannot be used.
        ZooError: ``target``, ``patch`` or ``stride`` makes no sense.
    """
    inputs = model.preprocess(image)
    height, width = inputs.shape[1:]
    if patch < 1 or stride < 1 or patch > min(height, width):
        raise ZooError(
            f"A patch of {patch} and a stride of {stride} do not fit a {width} × {height} input."
        )
    preprocessing = model.preprocessing
    hidden_value = preprocessing.constant(np.array(preprocessing.mean) if fill is None else fill)
    corners = [
        (y, x) for y in _starts(height, patch, stride) for x in _starts(width, patch, stride)
    ]
    hidden = np.repeat(inputs[None], len(corners), axis=0)
    for covered, (y, x) in zip(hidden, corners, strict=True):
        covered[:, y : y + patch, x : x + patch] = hidden_value
    whole = softmax(np.asarray(model.logits(inputs[None])))[0]
    index = class_index(model.labels, target, whole)
    parts = [model.logits(hidden[i : i + _BATCH]) for i in range(0, len(hidden), _BATCH)]
    drops = whole[index] - softmax(np.concatenate(parts))[:, index]
    return _average(drops, corners, patch, (height, width))


def class_index(labels: Sequence[str], target: int | str | None, scores: np.ndarray) -> int:
    """Return the class that ``target`` names.

    Args:
        labels: The model's labels.
        target: A label, an index, or None for the class with the largest score.
        scores: (K,), probabilities or logits.

    Raises:
        ZooError: There is no such class.
    """
    if target is None:
        return int(scores.argmax())
    if isinstance(target, str):
        if target not in labels:
            raise ZooError(f"{target!r} is no label; the labels are {', '.join(labels)}.")
        return list(labels).index(target)
    if not 0 <= target < len(labels):
        raise ZooError(f"Class {target} does not exist; the classes are 0 to {len(labels) - 1}.")
    return int(target)


def _starts(side: int, patch: int, stride: int) -> list[int]:
    """Return the patch's positions; the last ends at the edge, so that every pixel is hidden."""
    starts = list(range(0, side - patch + 1, stride))
    return starts if starts[-1] == side - patch else [*starts, side - patch]


def _average(
    drops: np.ndarray, corners: list[tuple[int, int]], patch: int, size: tuple[int, int]
) -> np.ndarray:
    total, count = np.zeros(size, np.float32), np.zeros(size, np.float32)
    for drop, (y, x) in zip(drops, corners, strict=True):
        total[y : y + patch, x : x + patch] += drop
        count[y : y + patch, x : x + patch] += 1
    return total / np.maximum(count, 1)
