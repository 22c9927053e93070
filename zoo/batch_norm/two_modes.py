"""BatchNorm's two modes: the statistics of the batch in training, running ones in evaluation.

With the statistics of the batch, the answer to an image depends on the images beside it: on how
many they are, and on what they show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from zoo.batch_norm.norm_steps import Norm
from zoo.errors import ZooError
from zoo.functions import softmax
from zoo.graph.modules import private_copy, run

STATISTICS = ("running", "batch")


@dataclass(frozen=True)
class Accuracy:
    """An accuracy in [0, 1], and the number of images that it is measured on."""

    accuracy: float
    n: int


def logits(
    network: Any, inputs: np.ndarray, statistics: str = "running", batch_size: int = 256
) -> np.ndarray:
    """Return the logits (N, K) of images that go through the network batch by batch.

    Args:
        network: any ``nn.Module``; it is copied and left as it is, its running statistics too.
        inputs: float32 (N, C, H, W).
        statistics: ``"running"`` as in evaluation, ``"batch"`` as in training. Dropout is off in
            either case.
        batch_size: images a batch, at least 1.

    Raises:
        ZooError: no such statistics, a batch size below 1, or a batch from which no variance can
            be taken (a single value a channel).
    """
    if batch_size < 1:
        raise ZooError(f"The batch size is at least 1, not {batch_size}.")
    twin = in_mode(network, statistics)
    parts = [slice(i, i + batch_size) for i in range(0, len(inputs), batch_size)]
    try:
        return np.concatenate([run(twin, inputs[part]) for part in parts])
    except ValueError as error:  # torch: "Expected more than 1 value per channel when training"
        raise ZooError(f"A batch of {batch_size} has no variance: {error}.") from None


def accuracy(
    network: Any,
    inputs: np.ndarray,
    labels: np.ndarray,
    *,
    statistics: str = "running",
    batch_size: int = 256,
    one_class: bool = False,
    seed: int = 0,
) -> Accuracy:
    """Measure a classifier in one of the two modes.

    Args:
        network: any ``nn.Module`` that gives logits (N, K); it is left as it is.
        inputs: float32 (N, C, H, W).
        labels: integers (N,).
        statistics, batch_size: as for `logits`.
        one_class: every batch shows one class, instead of images at random.
        seed: of the order.

    Returns:
        The accuracy on all complete batches; with running statistics, on all images.

    Raises:
        ZooError: as for `logits`, or if there are too few images for one batch.
    """
    order = np.arange(len(labels))  # in evaluation no image depends on the others
    if statistics != "running":
        order = np.concatenate([order[:0], *batches(labels, batch_size, one_class, seed)])
    if not len(order):
        raise ZooError(f"There are too few images for a batch of {batch_size}.")
    answers = logits(network, inputs[order], statistics, batch_size).argmax(axis=1)
    return Accuracy(float((answers == labels[order]).mean()), len(order))


def batches(
    labels: np.ndarray, batch_size: int, one_class: bool = False, seed: int = 0
) -> Iterator[np.ndarray]:
    """Yield the indices of complete batches, in random order, mixed or one class at a time."""
    order = np.random.default_rng(seed).permutation(len(labels))
    groups = [order[labels[order] == k] for k in np.unique(labels)] if one_class else [order]
    for group in groups:
        for first in range(0, len(group) - batch_size + 1, batch_size):
            yield group[first : first + batch_size]


def batch_dependence(
    network: Any, image: np.ndarray, others: np.ndarray, batch_size: int, draws: int, seed: int
) -> np.ndarray:
    """Return the probabilities of one image in several random batches, by their statistics.

    Args:
        network: any ``nn.Module``; it is left as it is.
        image: float32 (C, H, W).
        others: float32 (N, C, H, W), from which each batch's other images are drawn.
        batch_size: images a batch, the one in question included.
        draws: how many batches.
        seed: of the draws.

    Returns:
        float32 (draws, K).
    """
    rng = np.random.default_rng(seed)
    twin = in_mode(network, "batch")
    answers = []
    for _ in range(draws):
        chosen = rng.choice(len(others), batch_size - 1, replace=False)
        answers.append(run(twin, np.concatenate([image[None], others[chosen]]))[0])
    return softmax(np.stack(answers))


def in_mode(network: Any, statistics: str) -> torch.nn.Module:
    """Return a copy whose BatchNorm layers use running or batch statistics; the rest evaluates.

    Raises:
        ZooError: there are no such statistics.
    """
    if statistics not in STATISTICS:
        raise ZooError(f'The statistics are "running" or "batch", not {statistics!r}.')
    twin = private_copy(network)
    for module in twin.modules():
        if isinstance(module, Norm):
            module.train(statistics == "batch")
    return twin
