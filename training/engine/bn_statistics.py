"""Begin the running statistics of BatchNorm anew, to measure them on other images."""

from __future__ import annotations

from torch import nn

SEED = 99  # of the images that they are measured on: other augmentations than a run's own


def forget_statistics(network: nn.Module) -> None:
    """Reset all BatchNorms, and put the network in training mode.

    What passes through it next is measured, every batch with the same weight.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the mean over all batches
    network.train()
