"""The mean of a network's weights at the ends of a run's parts.

Each part begins with high learning rates and ends with low ones, at another edge of the same
valley; the middle of the valley generalizes better (Izmailov et al. 2018, "Averaging weights leads
to wider optima and better generalization", arXiv 1803.05407).

A mean of weights needs statistics of its own in BatchNorm, taken from the images as training sees
them: of each batch the half that the proxy finds hardest. Statistics of all images make it worse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from training.cifar10.cifar10_settings import Cifar10Recipe
from training.cifar10.cifar10_student import CifarStudent
from training.data.image_batches import Plan, batches
from training.engine.checkpoint import as_array
from training.engine.compute import ComputeConfig

BATCHES = 20  # of candidates; from a part of each come the statistics
SEED = 99  # of those batches: other augmentations than a run's own


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


def measure_statistics(
    network: nn.Module,
    proxy: CifarStudent | None,
    recipe: Cifar10Recipe,
    plan: Plan,
    compute: ComputeConfig,
) -> None:
    """Set the running statistics of all BatchNorms to those of the images learned from.

    Args:
        network: on the machine's device; left in evaluation mode.
        proxy: what selected the images at the end, None if nothing did.
        recipe: of the run.
        plan: the training images, with their augmentation.
        compute: how to compute.
    """

    def images() -> Iterator[Tensor]:
        for inputs, labels in islice(batches(plan, 0, 0, compute.processes), BATCHES):
            if proxy is not None:
                losses, _ = proxy.losses(inputs, labels)
                inputs = inputs[losses.topk(round(recipe.keep_ratio * len(labels))).indices]
            yield inputs.contiguous(memory_format=torch.channels_last)

    with compute.autocast():
        update_bn(images(), network)
    compute.processes.average([b for b in network.buffers() if b.is_floating_point()])
    network.eval()
