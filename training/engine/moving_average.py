"""Averages of a network's weights: a moving one beside the network that learns, and a mean of ends.

The moving average of the last few hundred steps lies nearer the middle of a valley than any of them
(Polyak & Juditsky 1992; Izmailov et al. 2018, arXiv 1803.05407). BatchNorm's statistics are
averaged with the weights.

A run may have parts, each of which begins with high learning rates and ends with low ones, at
another edge of the same valley; the middle of the valley generalizes better (Izmailov et al. 2018).
BatchNorm needs statistics of its own for that mean: the means of statistics are not those of the
network with mean weights.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.engine.checkpoint import as_array

N = TypeVar("N", bound=nn.Module)
RAMP = 10  # at first the average forgets fast: the weights that it began with are worth nothing


class MovingAverage(Generic[N]):
    """The average and its network.

    Args:
        network: whose weights are averaged; the average begins as its copy.
        decay: what the average keeps of itself at each step, in (0, 1); 0.998 spans some 500 steps.
    """

    def __init__(self, network: N, decay: float) -> None:
        self.network: N = copy.deepcopy(network).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take the weights after step ``step``, counted from 0, into the average."""
        decay = min(self.decay, (1 + step) / (RAMP + step))
        torch._foreach_lerp_(_floating(self.network), _floating(network), 1 - decay)

    def restart(self, network: nn.Module) -> None:
        """Begin again as a copy of other weights."""
        self.network.load_state_dict(network.state_dict())


class PartMean:
    """The mean of the weights that were added; whole numbers are the last one's."""

    def __init__(self) -> None:
        self.count = 0
        self.weights: dict[str, Tensor] = {}

    @torch.no_grad()
    def add(self, network: nn.Module) -> None:
        """Take a network's weights into the mean."""
        self.count += 1
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                mean = self.weights.setdefault(name, torch.zeros_like(value))
                mean += (value - mean) / self.count
            else:
                self.weights[name] = value.clone()

    def state(self) -> dict[str, NDArray]:
        """Return a copy, as a checkpoint holds it."""
        arrays = {name: as_array(value) for name, value in self.weights.items()}
        return arrays | {"count": np.array(self.count)}

    def load_state(self, arrays: Mapping[str, NDArray], device: torch.device) -> None:
        """Take back what `state` returned."""
        weights = {name: torch.from_numpy(value).to(device) for name, value in arrays.items()}
        self.count, self.weights = int(weights.pop("count")), weights


def _floating(network: nn.Module) -> list[Tensor]:
    return [value for value in network.state_dict().values() if value.is_floating_point()]
