"""Fold BatchNorm into the convolution before it: in evaluation both are one affine map.

BatchNorm in evaluation mode is y = a·x + b with a = γ / √(σ² + ε) and b = β − a·μ, a channel each.
Behind a convolution W·z + w that is a convolution with the weights a·W and the bias a·w + b
(Jacob et al. 2018, section 3.2). Max pooling between the two changes nothing as long as every a is
positive: then the largest value stays the largest.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from zoo.batch_norm.steps import Norm, array, find, layer_names, private_copy, run
from zoo.errors import ZooError

TOLERANCE = 1e-3  # of the largest output; float32 rounding gives about 1e-6
Affine = nn.Conv2d | nn.Linear


@dataclass(frozen=True, eq=False)
class Folded:
    """A network without (some of) its BatchNorm layers.

    Attributes:
        network: in evaluation mode; folded layers are replaced by identities.
        pairs: (convolution, BatchNorm) by name, in the order of computation.
        kept: BatchNorm layers that could not be folded.
    """

    network: Any = field(repr=False)
    pairs: tuple[tuple[str, str], ...]
    kept: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Two networks side by side.

    Attributes:
        max_difference: the largest difference between their outputs.
        largest: the largest output, to compare it with.
        before, after: seconds of a forward pass, median of the rounds.
        ratio: before / after.
    """

    max_difference: float
    largest: float
    before: float
    after: float

    @property
    def ratio(self) -> float:
        """How many times as fast the second one is."""
        return self.before / self.after


def fold(network: Any, example: np.ndarray) -> Folded:
    """Return a copy of a network with every BatchNorm folded that can be.

    Which convolution feeds which BatchNorm is seen by running the example through the network.

    Args:
        network: any ``nn.Module``; it is left as it is.
        example: float32 (N, C, H, W), any input of it.

    Raises:
        ZooError: the folded network answers differently; then the network uses an output of a
            convolution in another place as well.

    Example:
        >>> model = zoo.load("cifar10")                                 # doctest: +SKIP
        >>> folded = fold(model.network, inputs)                        # doctest: +SKIP
        >>> compare(model.network, folded.network, inputs).ratio        # doctest: +SKIP
        1.2
    """
    twin = private_copy(network)
    expected, sources = _trace(twin, example)
    pairs = []
    for name in layer_names(twin):
        source, pooled = sources.get(name, (None, False))
        if source is None or (pooled and not _rises(find(twin, name))):
            continue
        layer, norm = twin.get_submodule(source), find(twin, name)
        fuse: Callable[..., nn.Module] = (
            fuse_conv_bn_eval if isinstance(layer, nn.Conv2d) else fuse_linear_bn_eval
        )
        _replace(twin, source, fuse(layer, norm))
        _replace(twin, name, nn.Identity())
        pairs.append((source, name))
    difference = float(np.abs(run(twin, example) - expected).max())
    if not difference <= TOLERANCE * max(float(np.abs(expected).max()), 1e-6):
        raise ZooError(
            "This network cannot be folded: it uses what a convolution gives in more places than "
            "in the BatchNorm behind it."
        )
    return Folded(twin, tuple(pairs), tuple(layer_names(twin)))


def compare(before: Any, after: Any, inputs: np.ndarray, rounds: int = 7) -> Comparison:
    """Compare outputs and speed, both networks in turns.

    Args:
        before, after: two networks in evaluation mode.
        inputs: float32 (N, C, H, W).
        rounds: timed passes of each; one more warms up.
    """
    networks = private_copy(before), private_copy(after)
    first, second = (run(network, inputs) for network in networks)
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for network, own in zip(networks, seconds, strict=True):
            start = time.perf_counter()
            run(network, inputs)
            own.append(time.perf_counter() - start)
    return Comparison(
        max_difference=float(np.abs(first - second).max()),
        largest=float(np.abs(first).max()),
        before=statistics.median(seconds[0]),
        after=statistics.median(seconds[1]),
    )


def _trace(
    network: nn.Module, example: np.ndarray
) -> tuple[np.ndarray, dict[str, tuple[str | None, bool]]]:
    """Run the example; return the output and, for each BatchNorm, what feeds it.

    That is the name of a convolution or linear layer, or None, and whether max pooling comes in
    between. A tensor is recognised by its identity, so all of them are kept until the end. A layer
    whose output goes into two modules, or that runs twice, feeds none.
    """
    producer: dict[int, tuple[str | None, bool]] = {}
    readers: dict[int, int] = {}
    sources: dict[str, tuple[int, ...]] = {}
    runs: dict[str, int] = {}
    kept: list[Any] = []

    def watch(name: str) -> Any:
        def hook(module: nn.Module, arguments: tuple[Any, ...], output: Any) -> None:
            kept.extend([*arguments, output])
            given = id(arguments[0])
            readers[given] = readers.get(given, 0) + 1
            runs[name] = runs.get(name, 0) + 1
            if isinstance(module, Affine):
                producer[id(output)] = (name, False)
            elif isinstance(module, nn.MaxPool2d) and given in producer:
                producer[id(output)] = (producer[given][0], True)
                chain[id(output)] = given
            elif isinstance(module, Norm):
                sources[name] = (given,)

        return hook

    chain: dict[int, int] = {}
    handles = [
        module.register_forward_hook(watch(name))
        for name, module in network.named_modules()
        if not any(module.children())
    ]
    expected = run(network, example)
    for handle in handles:
        handle.remove()
    found: dict[str, tuple[str | None, bool]] = {}
    for name, (given,) in sources.items():
        source, pooled = producer.get(given, (None, False))
        path = [given] + ([chain[given]] if given in chain else [])
        alone = all(readers[key] == 1 for key in path) and runs[name] == 1
        if source is not None and alone and runs[source] == 1:
            found[name] = (source, pooled)
    return expected, found


def _rises(norm: Any) -> bool:
    """Return whether a BatchNorm in evaluation mode is increasing in every channel (γ > 0)."""
    return norm.weight is None or bool((array(norm.weight) > 0).all())


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, module)
