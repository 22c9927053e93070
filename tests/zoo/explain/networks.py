"""Tiny seeded networks that between them hold every kind of layer that can be explained."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.cifar_net import CifarNet
from zoo.networks.numpy_cnn import NumpyCNN
from zoo.networks.segmentation.unet import UNet


class Functions(nn.Module):
    """A network that does by functions what others do by modules, and runs one module twice."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 2, 3, 3))
        self.again = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.conv2d(x, self.weight, None, 2, 1, 1, 1)
        x = functional.relu(x)
        x = x + functional.silu(self.again(x)) * 0.5
        x = functional.max_pool2d(self.again(x), 3, 2, padding=1)
        x = functional.pad(x, (1, 0, 2, 1))
        x = torch.cat([functional.avg_pool2d(x, 2), functional.adaptive_avg_pool2d(x, (5, 4))], 1)
        return self.head(x.mean((2, 3))) / 3


def odd() -> nn.Module:
    """A chain of unusual strides, paddings, dilations and groups."""
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=2, dilation=3, groups=2),
        nn.GroupNorm(2, 4),
        nn.MaxPool2d(3, 2, 1, ceil_mode=True),
        nn.PReLU(4),
        nn.ConvTranspose2d(4, 4, 3, 2, 1, bias=False),
        nn.Upsample(scale_factor=2, mode="nearest"),
        nn.Conv2d(4, 4, (4, 3), padding="same", bias=False),
        nn.AdaptiveAvgPool2d(5),
        nn.ZeroPad2d((1, 0, 2, 1)),
        nn.AvgPool2d(2, 1),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="replicate"),
        nn.BatchNorm2d(4, affine=False),
        nn.ELU(),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(4 * 35, 3),
    )


SHAPES = {
    "digits": (1, 28, 28),
    "objects": (3, 32, 32),
    "unet": (3, 42, 53),
    "odd": (2, 40, 37),
    "functions": (2, 30, 30),
}


def make(name: str) -> tuple[object, np.ndarray]:
    """Return a network, with BatchNorm statistics as after training, and an input for it."""
    torch.manual_seed(0)
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal(SHAPES[name]).astype(np.float32)
    if name == "digits":
        network = NumpyCNN(channels=(3, 4))
        for layer in network.layers.values():
            for values in layer.buffers.values():
                if values.ndim:
                    values += rng.uniform(0.1, 1, values.shape)
        return network, inputs
    module: nn.Module = {
        "objects": lambda: CifarNet((4, 6, 6), depth=3),
        "unet": lambda: UNet((3, 4, 5), context=1),
        "odd": odd,
        "functions": Functions,
    }[name]()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            if part.affine:
                nn.init.uniform_(part.weight, 0.5, 1.5)
                nn.init.normal_(part.bias)
    return module, inputs
