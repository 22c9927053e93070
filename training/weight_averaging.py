"""An exponential moving average of a network's weights, beside the network that learns.

The average of the last few hundred steps lies nearer the middle of a valley than any of them
(Polyak & Juditsky 1992; Izmailov et al. 2018, arXiv 1803.05407). BatchNorm's statistics are
averaged with the weights.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

RAMP = 10  # at first the average forgets fast: the weights that it began with are worth nothing


class MovingAverage:
    """The average and its network.

    Args:
        network: whose weights are averaged; the average begins as its copy.
        decay: what the average keeps of itself at each step; 0.998 spans some 500 steps.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take the weights after step ``step``, counted from 0, into the average."""
        decay = min(self.decay, (1 + step) / (RAMP + step))
        kept, new = _floating(self.network), _floating(network)
        torch._foreach_lerp_(kept, new, 1 - decay)

    def restart(self, network: nn.Module) -> None:
        """Begin again as a copy of other weights."""
        self.network.load_state_dict(network.state_dict())


def _floating(network: nn.Module) -> list[Tensor]:
    return [value for value in network.state_dict().values() if value.is_floating_point()]
