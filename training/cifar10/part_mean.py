"""BatchNorm's statistics for the mean of a network's weights at the ends of a run's parts.

A mean of weights needs statistics of its own in BatchNorm, taken from the images as training sees
them: of each batch the half that the proxy finds hardest. Statistics of all images make it worse.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from training.cifar10.cifar10_settings import Cifar10Recipe
from training.cifar10.cifar10_student import CifarStudent
from training.data.image_batches import Plan, batches
from training.engine.compute import ComputeConfig

BATCHES = 20  # of candidates; from a part of each come the statistics
SEED = 99  # of those batches: other augmentations than a run's own


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
