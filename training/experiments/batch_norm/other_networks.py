"""The deep and the fully connected network of the BatchNorm experiments."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from training.experiments.batch_norm.small_network import (
    Design,
    Unit,
    map_norm,
    seeded,
    vector_norm,
)
from zoo.networks.cifar_net import PATCH, whitening_filters

BLOCKS = 3  # a stage, of two convolutions each: with the first one and the last layer 20 layers
HIDDEN, HIDDEN_LAYERS = 512, 3  # of the fully connected network


def built(design: Design, seed: int, images: Tensor) -> nn.Module:
    """Make the network of a design with the initial weights of a seed.

    Args:
        design: which network.
        seed: of the initial weights.
        images: normalized training images (N, 3, 32, 32), for the whitening layer.
    """
    if design.kind == "small":
        return seeded(design, seed, images)
    torch.manual_seed(seed)
    if design.kind == "dense":
        return Dense(design)
    network = Deep(design)
    network.whiten.weight.data.copy_(whitening_filters(images))
    return network.to(memory_format=torch.channels_last)


class Dense(nn.Module):
    """Classify RGB images of 32 × 32 pixels by three hidden layers, each with its norm and a ReLU.

    They start from He et al. 2015, eq. 10.
    """

    def __init__(self, design: Design, classes: int = 10) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        width = 3 * 32 * 32
        for _ in range(HIDDEN_LAYERS):
            linear = nn.Linear(width, HIDDEN, bias=design.norm == "none")
            nn.init.normal_(linear.weight, std=math.sqrt(2 / width))
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)
            layers.append(linear)
            if design.norm != "none":
                layers.append(vector_norm(design.norm, HIDDEN))
            layers.append(nn.ReLU())
            width = HIDDEN
        self.layers = nn.Sequential(*layers, nn.Linear(width, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, classes)."""
        logits: Tensor = self.layers(x)
        return logits


class Deep(nn.Module):
    """Classify RGB images of 32 × 32 pixels: He et al. 2016, section 4.2, with 20 layers.

    Behind the same whitening layer as the small network's, so at 16 × 16: a convolution, three
    stages of three blocks of two, and a linear layer. Plain without ``residual``. Where a stage
    begins, maps halve by a stride of 2 and the shortcut is a 1 × 1 convolution.
    """

    def __init__(self, design: Design, classes: int = 10) -> None:
        super().__init__()
        filters = 2 * 3 * PATCH**2
        self.whiten = nn.Conv2d(3, filters, PATCH, stride=PATCH, bias=False)
        self.whiten.weight.requires_grad_(False)
        width = design.widths[0]
        self.stem = Unit(filters, width, design)
        blocks = []
        for stage, outputs in enumerate(design.widths):
            for number in range(BLOCKS):
                stride = 2 if stage and not number else 1
                blocks.append(_Block(width, outputs, stride, design))
                width = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, classes)."""
        x = self.blocks(self.stem(torch.relu(self.whiten(x))))
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


class _Block(nn.Module):
    """Two convolutions, and around them the shortcut of a residual network."""

    def __init__(self, inputs: int, width: int, stride: int, design: Design) -> None:
        super().__init__()
        self.unit1 = Unit(inputs, width, design, stride=stride)
        self.unit2 = Unit(width, width, design, activate=False)
        self.residual = design.residual
        # De & Smith 2020, section 3: the branch begins at 0, and the block as its shortcut.
        self.scale = nn.Parameter(torch.zeros(())) if design.skip_init else None
        self.shortcut: nn.Module = nn.Identity()
        if design.residual and (stride > 1 or inputs != width):
            projection = nn.Conv2d(inputs, width, 1, stride=stride, bias=design.norm == "none")
            nn.init.normal_(projection.weight, std=math.sqrt(1 / inputs))
            if projection.bias is not None:
                nn.init.zeros_(projection.bias)
            self.shortcut = nn.Sequential(projection, map_norm(design.norm, width))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, width, H / stride, W / stride)."""
        y = self.unit2(self.unit1(x))
        if self.scale is not None:
            y = self.scale * y
        return torch.relu(self.shortcut(x) + y if self.residual else y)
