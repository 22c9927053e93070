"""CutMix: a rectangle of an image comes from another one, and so does its share of the label.

Yun et al. 2019, arXiv 1905.04899, as torchvision has it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms.v2 import CutMix

from training.data.augment_images import generator
from training.data.cifar_images import LABELS

GROUP = 50  # images that share a rectangle's size and place


def cut_mix(
    inputs: Tensor, labels: Tensor, share: float, key: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """Mix the images of some groups, each with another one of its group.

    Args:
        inputs: float32 (N, 3, H, W), channels last.
        labels: int64 (N,).
        share: of the groups, in [0, 1].
        key: the same key gives the same draws.

    Returns:
        Inputs, channels last, and labels. Where ``share`` is 0 they are those that came;
        else the labels are each class's share of the image, float32 (N, classes).
    """
    if not share:
        return inputs, labels
    shares = torch.nn.functional.one_hot(labels, len(LABELS)).float()
    rng, mix, parts = generator(*key), CutMix(num_classes=len(LABELS)), []
    with torch.random.fork_rng(devices=[]):  # torchvision draws from the one of everybody
        torch.manual_seed(rng.initial_seed())
        for images, classes in zip(inputs.split(GROUP), shares.split(GROUP), strict=True):
            parts.append(mix(images, classes) if torch.rand(()) < share else (images, classes))
    mixed, shares = (torch.cat(part) for part in zip(*parts, strict=True))
    return mixed.contiguous(memory_format=torch.channels_last), shares
