"""Short trainings in NumPy: networks as a row of layers, and the loop that teaches them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from zoo.networks.numpy_cnn import (
    SGD,
    Convolution,
    Layer,
    Linear,
    NumpyCNN,
    softmax_cross_entropy,
    warmup_cosine,
)

Array = NDArray[Any]
Prepare = Callable[[Array, np.random.Generator], Array]  # images → the network's input, changed


class Network(Protocol):
    """What is trained: a `NumpyCNN`, or a `LayerStack`."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the logits (N, K) of images (N, C, H, W)."""

    def backward(self, dlogits: Array) -> None:
        """Set the gradients."""

    @property
    def parameters(self) -> dict[str, Array]:
        """What is trained, by name."""

    @property
    def gradients(self) -> dict[str, Array]:
        """By the same names."""


class LayerStack:
    """Layers in a row: float32 (N, C, H, W) → logits (N, K).

    Args:
        layers: the first gets (C, H, W, N), or with ``flat`` (C·H·W, N); the last gives (K, N).
        flat: whether the network begins with a linear layer.
    """

    def __init__(self, layers: Iterable[Layer], flat: bool = False) -> None:
        self.layers, self.flat = list(layers), flat

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return the logits (N, K)."""
        y = np.ascontiguousarray(x.transpose(1, 2, 3, 0), dtype=np.float32)
        y = y.reshape(-1, y.shape[-1]) if self.flat else y
        for layer in self.layers:
            y = layer.forward(y, training)
        return np.ascontiguousarray(y.T)

    def backward(self, dlogits: Array) -> None:
        """Propagate ∂L/∂logits (N, K) back."""
        dy: Array | None = np.ascontiguousarray(dlogits.T, dtype=np.float32)
        for layer in reversed(self.layers):
            assert dy is not None
            dy = layer.backward(dy)

    @property
    def parameters(self) -> dict[str, Array]:
        """What is trained, by the layer's place and its own name."""
        return {f"{i}.{n}": a for i, la in enumerate(self.layers) for n, a in la.parameters.items()}

    @property
    def gradients(self) -> dict[str, Array]:
        """By the same names."""
        return {f"{i}.{n}": a for i, la in enumerate(self.layers) for n, a in la.gradients.items()}


@dataclass(frozen=True)
class NumpyRecipe:
    """How a network is trained: SGD, a warm-up of a tenth of the steps, a cosine to zero.

    Attributes:
        learning_rate: the peak.
        epochs, batch: as ever.
        momentum: Nesterov's; 0 for plain SGD.
        weight_decay: of weights, not of biases and norms.
        smoothing: of the labels.
    """

    learning_rate: float
    epochs: int
    batch: int = 128
    momentum: float = 0.9
    weight_decay: float = 0.0
    smoothing: float = 0.0


def train(
    network: Network,
    recipe: NumpyRecipe,
    images: Array,
    labels: Array,
    seed: int,
    prepare: Prepare,
) -> dict[str, Any]:
    """Train a network in place; return ``seconds``, ``diverged`` and the last ``train_loss``.

    Args:
        images: uint8, the first axis counts them.
        labels: (N,).
        seed: of the order and of what ``prepare`` draws.
        prepare: makes the network's input, float32 (N, C, H, W), of some of the images.
    """
    optimizer = SGD(
        network.parameters,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
        weight_decay=recipe.weight_decay,
    )
    rng, start, step, loss = np.random.default_rng((seed, 2)), time.perf_counter(), 0, math.nan
    each = max(1, len(images) // recipe.batch)
    steps = recipe.epochs * each
    with threadpool_limits(1, "blas"):
        for _ in range(recipe.epochs):
            order, losses = rng.permutation(len(images)), []
            for first in range(0, each * recipe.batch, recipe.batch):
                chosen = order[first : first + recipe.batch]
                logits = network.forward(prepare(images[chosen], rng), training=True)
                value, dlogits = softmax_cross_entropy(logits, labels[chosen], recipe.smoothing)
                network.backward(dlogits)
                rate = warmup_cosine(
                    step, steps=steps, warmup=max(1, steps // 10), peak=recipe.learning_rate
                )
                optimizer.step(network.gradients, rate)
                losses.append(value)
                step += 1
            loss = float(np.mean(losses))
            if not math.isfinite(loss):
                break
    finite = math.isfinite(loss)
    return {
        "train_loss": loss if finite else 1000.0,
        "diverged": not finite,
        "seconds": round(time.perf_counter() - start, 1),
    }


def measure(
    network: Network, images: Array, labels: Array, prepare: Callable[[Array], Array]
) -> dict[str, float]:
    """Return loss (nats) and accuracy in evaluation mode."""
    losses, right = [], 0
    with threadpool_limits(1, "blas"):
        for first in range(0, len(images), 500):
            part = labels[first : first + 500]
            logits = network.forward(prepare(images[first : first + 500]))
            logits = np.nan_to_num(logits, posinf=1e6, neginf=-1e6)
            losses.append(softmax_cross_entropy(logits, part)[0] * len(part))
            right += int((logits.argmax(axis=1) == part).sum())
    return {"loss": min(1000.0, sum(losses) / len(labels)), "accuracy": right / len(labels)}


def count(network: Network) -> int:
    """Return how many numbers are trained."""
    return sum(array.size for array in network.parameters.values())


def multiply_adds(network: NumpyCNN) -> int:
    """Return the multiplications of convolutions and linear layers for one image."""
    size, total = network.size, 0
    for layer in network.layers.values():
        if isinstance(layer, Convolution):
            size = layer.output_size(size)
            total += layer.parameters["weight"].size * size * size
            size //= 2  # the pooling behind it
        elif isinstance(layer, Linear):
            total += layer.parameters["weight"].size
    return total
