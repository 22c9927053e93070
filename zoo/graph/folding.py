"""Fold BatchNorm into the convolution before it: in evaluation both are one affine map.

BatchNorm in evaluation mode is y = a·x + b with a = γ / √(σ² + ε) and b = β − a·μ, a channel each.
Behind a convolution W·z + w that is a convolution with the weights a·W and the bias a·w + b
(Jacob et al. 2018, section 3.2). Max pooling between the two changes nothing as long as every a is
positive: then the largest value stays the largest.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from zoo.errors import ZooError
from zoo.graph.layers import Trace
from zoo.graph.modules import array, own_settings, private_copy, run
from zoo.graph.torch_trace import trace_module

TOLERANCE = 1e-3  # of the largest output; float32 rounding gives about 1e-6
Affine = nn.Conv2d | nn.Linear
Norm = nn.BatchNorm2d | nn.BatchNorm1d


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
    expected = run(twin, example)
    with own_settings():
        pairs = tuple(_fold_all(twin, _feeds(trace_module(twin, example))))
    difference = float(np.abs(run(twin, example) - expected).max())
    if not difference <= TOLERANCE * max(float(np.abs(expected).max()), 1e-6):
        raise ZooError(
            "This network cannot be folded: it uses what a convolution gives in more places than "
            "in the BatchNorm behind it."
        )
    return Folded(twin, pairs, tuple(_norms(twin)))


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


def _fold_all(twin: nn.Module, feeds: dict[str, tuple[str, bool]]) -> Iterator[tuple[str, str]]:
    """Fold, in place, every BatchNorm that can be; yield (convolution, BatchNorm) of each."""
    for name in _norms(twin):
        source, pooled = feeds.get(name, ("", False))
        norm = twin.get_submodule(name)
        if not source or (pooled and not _rises(norm)):
            continue
        layer = twin.get_submodule(source)
        fuse: Callable[..., nn.Module] = (
            fuse_conv_bn_eval if isinstance(layer, nn.Conv2d) else fuse_linear_bn_eval
        )
        _replace(twin, source, fuse(layer, norm))
        _replace(twin, name, nn.Identity())
        yield source, name


def _feeds(run_of: Trace) -> dict[str, tuple[str, bool]]:
    """Return, for each BatchNorm that can be folded, what feeds it.

    That is the name of a convolution or linear layer, and whether max pooling comes in between. A
    layer whose output goes into two layers, or that runs twice, feeds none.
    """
    readers = Counter(name for layer in run_of.layers for name in layer.inputs)
    readers[run_of.output] += 1
    found = {}
    for name, call in run_of.calls.items():
        if not isinstance(call.function, Norm):
            continue
        source, pooled = call.layer.inputs[0], False
        path = [source]
        if source in run_of.calls and run_of.calls[source].layer.kind == "max pooling":
            source, pooled = run_of.calls[source].layer.inputs[0], True
            path.append(source)
        fed_by = run_of.calls.get(source)
        alone = all(readers[step] == 1 for step in path)
        once = not any(":" in step for step in (name, source))  # a second run has a number
        if fed_by is not None and isinstance(fed_by.function, Affine) and alone and once:
            found[name] = (source, pooled)
    return found


def _norms(network: nn.Module) -> list[str]:
    return [name for name, module in network.named_modules() if isinstance(module, Norm)]


def _rises(norm: Any) -> bool:
    """Return whether a BatchNorm in evaluation mode is increasing in every channel (γ > 0)."""
    return norm.weight is None or bool((array(norm.weight) > 0).all())


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, module)
