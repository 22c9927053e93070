"""A BatchNorm layer's three steps: take the mean off, divide by the standard deviation, scale and
shift.

Ioffe & Szegedy 2015, algorithm 1, on the values that a trained network really holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from zoo.errors import ZooError
from zoo.functions import softmax
from zoo.graph.modules import array, private_copy, run

Norm = nn.BatchNorm2d | nn.BatchNorm1d


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel's m values on their way through a BatchNorm layer.

    Attributes:
        before: float32 (m,), what the convolution gave.
        normalized: float32 (m,), x̂ = (x − μ) / √(σ² + ε).
        after: float32 (m,), y = γ x̂ + β.
        mean, variance: μ and σ² (biased) that were used.
        running_mean, running_variance: what the layer keeps for evaluation.
        eps, gamma, beta: ε, γ and β.
    """

    before: np.ndarray = field(repr=False)
    normalized: np.ndarray = field(repr=False)
    after: np.ndarray = field(repr=False)
    mean: float
    variance: float
    running_mean: float
    running_variance: float
    eps: float
    gamma: float
    beta: float


@dataclass(frozen=True, eq=False)
class Steps:
    """What a BatchNorm layer was given for a batch, and what it does to it.

    Attributes:
        layer: the layer's name.
        before: float32 (N, C, H, W), its input; (N, C, 1, 1) for a layer behind a linear one.
        running_mean, running_variance: float32 (C,), for evaluation.
        gamma, beta: float32 (C,).
        eps: ε.
        trained_gamma: whether γ was learned; False where the training kept it at 1.
    """

    layer: str
    before: np.ndarray = field(repr=False)
    running_mean: np.ndarray = field(repr=False)
    running_variance: np.ndarray = field(repr=False)
    gamma: np.ndarray = field(repr=False)
    beta: np.ndarray = field(repr=False)
    eps: float
    trained_gamma: bool

    @property
    def channels(self) -> int:
        """C."""
        return self.before.shape[1]

    def channel(
        self,
        number: int,
        statistics: str = "batch",
        gamma: float | None = None,
        beta: float | None = None,
    ) -> Channel:
        """Follow one channel through the three steps.

        Args:
            number: 0 to C − 1.
            statistics: ``"batch"`` takes μ and σ² of these values, as training does;
                ``"running"`` those that the layer keeps, as evaluation does.
            gamma, beta: instead of the layer's own.

        Raises:
            ZooError: there is no such channel, or no such statistics.
        """
        if not 0 <= number < self.channels:
            raise ZooError(f"{self.layer} has channels 0 to {self.channels - 1}, not {number}.")
        if statistics not in ("batch", "running"):
            raise ZooError(f'The statistics are "batch" or "running", not {statistics!r}.')
        x = self.before[:, number].ravel()
        running = float(self.running_mean[number]), float(self.running_variance[number])
        # in float64: a mean of 100,000 float32 values loses digits otherwise
        own = float(x.mean(dtype=np.float64)), float(x.var(dtype=np.float64))
        mean, variance = own if statistics == "batch" else running
        scale = float(self.gamma[number]) if gamma is None else gamma
        shift = float(self.beta[number]) if beta is None else beta
        normalized = ((x - mean) / np.sqrt(variance + self.eps)).astype(np.float32)
        return Channel(
            before=x,
            normalized=normalized,
            after=(scale * normalized + shift).astype(np.float32),
            mean=mean,
            variance=variance,
            running_mean=running[0],
            running_variance=running[1],
            eps=self.eps,
            gamma=scale,
            beta=shift,
        )


def layer_names(network: Any) -> list[str]:
    """Return the names of a network's BatchNorm layers, in the order of its modules.

    Args:
        network: any ``nn.Module``.
    """
    return [name for name, module in network.named_modules() if isinstance(module, Norm)]


def three_steps(network: Any, layer: str, inputs: np.ndarray) -> Steps:
    """Run a batch up to a BatchNorm layer; all before it is in evaluation mode.

    Args:
        network: any ``nn.Module``; it is copied and left as it is.
        layer: one of `layer_names`.
        inputs: float32 (N, C, H, W), the network's input.

    Raises:
        ZooError: there is no such BatchNorm layer.

    Example:
        >>> model = zoo.load("cifar10")                                     # doctest: +SKIP
        >>> steps = three_steps(model.network, "block1.bn1", inputs)        # doctest: +SKIP
        >>> steps.channel(0).normalized.std().round(3)                      # doctest: +SKIP
        1.0
    """
    twin = private_copy(network)
    norm = find(twin, layer)
    seen: list[torch.Tensor] = []
    norm.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    run(twin, inputs)
    before = array(seen[0])
    channels = norm.num_features
    gamma, beta = norm.weight, norm.bias
    return Steps(
        layer=layer,
        before=before.reshape(*before.shape, 1, 1) if before.ndim == 2 else before,
        running_mean=_buffer(norm.running_mean, channels, 0.0),
        running_variance=_buffer(norm.running_var, channels, 1.0),
        gamma=_buffer(gamma, channels, 1.0),
        beta=_buffer(beta, channels, 0.0),
        eps=norm.eps,
        trained_gamma=bool(gamma is not None and find(network, layer).weight.requires_grad),
    )


def logits_with(
    network: Any, layer: str, inputs: np.ndarray, gamma: np.ndarray, beta: np.ndarray
) -> np.ndarray:
    """Return the logits (N, K) that a network would give with another γ and β in one layer.

    Args:
        network: any ``nn.Module``, in evaluation mode; it is copied and left as it is.
        layer: one of `layer_names`.
        inputs: float32 (N, C, H, W).
        gamma, beta: float (channels,), of all the layer's channels.

    Raises:
        ZooError: there is no such layer, it has another number of channels, or no γ and β.
    """
    twin = private_copy(network)
    norm = find(twin, layer)
    if not norm.affine:
        raise ZooError(f"{layer} has no γ and β.")
    if np.shape(gamma) != (norm.num_features,) or np.shape(beta) != (norm.num_features,):
        raise ZooError(f"{layer} has {norm.num_features} channels, each with a γ and a β.")
    with torch.no_grad():
        norm.weight.copy_(torch.from_numpy(np.array(gamma, np.float32)))
        norm.bias.copy_(torch.from_numpy(np.array(beta, np.float32)))
    return run(twin, inputs)


@dataclass(frozen=True, eq=False)
class Effect:
    """What another γ and β in one layer do to the answers.

    Attributes:
        before, after: probabilities, float32 (N, K), with the network's own γ and β and with the
            others.
    """

    before: np.ndarray = field(repr=False)
    after: np.ndarray = field(repr=False)

    def right(self, labels: np.ndarray) -> tuple[int, int]:
        """Return how many answers are right, before and after, for the true classes (N,)."""
        first, second = (int((p.argmax(axis=1) == labels).sum()) for p in (self.before, self.after))
        return first, second


def effect(
    network: Any, layer: str, inputs: np.ndarray, gamma: np.ndarray, beta: np.ndarray
) -> Effect:
    """Return the probabilities with a network's own γ and β and with others in one layer.

    The arguments and the errors are those of `logits_with`; all layers evaluate, with running
    statistics.
    """
    after = softmax(logits_with(network, layer, inputs, gamma, beta))
    return Effect(softmax(run(private_copy(network), inputs)), after)


def find(network: Any, layer: str) -> Any:
    """Return a BatchNorm layer by name.

    Raises:
        ZooError: there is none of that name.
    """
    if layer not in (names := layer_names(network)):
        known = ", ".join(names) or "none"
        raise ZooError(f"There is no BatchNorm layer {layer!r}; there are: {known}.")
    return network.get_submodule(layer)


def _buffer(values: torch.Tensor | None, channels: int, default: float) -> np.ndarray:
    return np.full(channels, default, np.float32) if values is None else array(values)
