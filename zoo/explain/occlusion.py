"""Occlusion: how much the answer suffers when a part of the image is hidden.

Zeiler & Fergus (2014), Visualizing and understanding convolutional networks, section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.explain.subject import bare, resolve
from zoo.explain.target import probabilities, target_of
from zoo.graph.layers import is_module
from zoo.models import Model

_BATCH = 16  # hidden images per forward pass, at most: bounds the memory of the activations
_PIXELS = 256 * 1024  # of all of them

Answer = Callable[[np.ndarray], np.ndarray]  # inputs (N, C, H, W) → logits (N, K) or (N, K, H, W)


def occlusion(
    subject: Any,
    image: Any,
    target: int | str | None = None,
    patch: int = 5,
    stride: int = 2,
    fill: float | None = 0.0,
) -> np.ndarray:
    """Return the drop in a class's probability when a patch around each pixel is hidden.

    A square patch slides over the network's input; each pixel gets the mean drop of all patches
    that cover it.

    Args:
        subject: A model, a bare ``NumpyCNN`` or an ``nn.Module``.
        image: An image for a model, a float array (C, H, W) for a bare network.
        target: The class; see :func:`zoo.explain.integrated_gradients`. For a network that answers
            with maps it is the mean probability of the pixels that show that class.
        patch: Side of the patch in input pixels, at least 1.
        stride: Step of the patch in input pixels, at least 1.
        fill: Value of the hidden pixels. For a model in [0, 1] before normalization; 0 is black,
            which is "no ink" for the digits. For a bare network in input units. None: the mean
            colour, of the training images for a model, of this input for a bare network, which
            says least in a photo.

    Returns:
        float32 array of the network's input size (H, W). Positive: the pixel speaks for the class
        (probability lost without it, at most 1). Negative: it speaks against.

    Raises:
        ImageError: The image cannot be used.
        ZooError: ``target``, ``patch`` or ``stride`` makes no sense, or the network fails on this
            input.
    """
    inputs = resolve(subject, image)[1][0]
    height, width = inputs.shape[1:]
    if patch < 1 or stride < 1 or patch > min(height, width):
        raise ZooError(
            f"A patch of {patch} and a stride of {stride} do not fit a {width} × {height} input."
        )
    answer = _answer(subject, inputs)
    whole = answer(inputs[None])
    chosen = target_of(subject, target, whole)
    corners = [
        (y, x) for y in _starts(height, patch, stride) for x in _starts(width, patch, stride)
    ]
    value = _hidden_value(subject, inputs, fill)
    # A patch that hides nothing changes nothing: on the black around a digit, every second one.
    hides = np.array([(_under(inputs, corner, patch) != value).any() for corner in corners])
    some = [corner for corner, does in zip(corners, hides, strict=True) if does]
    before = chosen.of(probabilities(whole))
    after = np.repeat(before, len(corners))
    batches = _hidden(inputs, some, patch, value)
    after[hides] = np.concatenate(
        [before[:0], *(chosen.of(probabilities(answer(batch))) for batch in batches)]
    )
    drops = before - after
    return _average(drops, corners, patch, (height, width))


def _answer(subject: Any, inputs: np.ndarray) -> Answer:
    """Return what gives a subject's logits for a batch; it was tried on one input."""
    if isinstance(subject, Model):
        return lambda batch: np.asarray(subject.plain_logits(batch))
    network = bare(subject)
    if not is_module(network):
        return lambda batch: network.forward(batch)
    from zoo.graph.modules import own_settings, private_copy, run, tensor
    from zoo.graph.torch_trace import Runner

    copied = private_copy(network, share=True)
    with own_settings():
        Runner(copied)(tensor(inputs[None], copied))  # names the layer that fails
    return partial(run, copied)


def _hidden_value(subject: Any, inputs: np.ndarray, fill: float | None) -> np.ndarray | float:
    """Return what hides a patch, in the input's units: (C, 1, 1), or one number."""
    if not isinstance(subject, Model):
        return inputs.mean(axis=(1, 2), keepdims=True) if fill is None else fill
    preprocessing = subject.preprocessing
    return preprocessing.constant(np.array(preprocessing.mean) if fill is None else fill)


def _under(inputs: np.ndarray, corner: tuple[int, int], patch: int) -> np.ndarray:
    """Return the part of an input (C, H, W) that a patch covers."""
    y, x = corner
    return inputs[:, y : y + patch, x : x + patch]


def _hidden(
    inputs: np.ndarray, corners: list[tuple[int, int]], patch: int, value: np.ndarray | float
) -> Iterator[np.ndarray]:
    """Yield batches of the input, in each copy of which one patch is hidden."""
    count = min(_BATCH, max(1, _PIXELS // (inputs.shape[1] * inputs.shape[2])))
    for first in range(0, len(corners), count):
        some = corners[first : first + count]
        batch = np.repeat(inputs[None], len(some), axis=0)
        for covered, corner in zip(batch, some, strict=True):
            _under(covered, corner, patch)[:] = value
        yield batch


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
