"""The U-Net of 2015 as it is usually written today: 31 million parameters.

Ronneberger et al. 2015, figure 1, with the three changes that everybody makes: convolutions keep
the size, so that no skip connection is cropped; BatchNorm follows each of them (without a bias
before it); and H and W may be any, padded to a multiple of 16. It is what is compared against.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (64, 128, 256, 512, 1024)


class ClassicUNet(nn.Module):
    """Maps images, float32 (N, 3, H, W), to logits (N, 1, H, W)."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.multiple = 2 ** (len(widths) - 1)
        pairs = list(itertools.pairwise(widths))
        self.first = _block(3, widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), _block(before, after)) for before, after in pairs
        )
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(below, width, 2, stride=2) for width, below in reversed(pairs)
        )
        self.up = nn.ModuleList(_block(2 * width, width) for width, _ in reversed(pairs))
        self.head = nn.Conv2d(widths[0], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        height, width = x.shape[2:]
        bottom, right = -height % self.multiple, -width % self.multiple
        details = [self.first(functional.pad(x, (0, right, 0, bottom), mode="replicate"))]
        for down in self.down:
            details.append(down(details[-1]))
        x = details.pop()
        for grow, up in zip(self.grow, self.up, strict=True):
            x = up(torch.cat([details.pop(), grow(x)], dim=1))
        return self.head(x)[:, :, :height, :width]


def _block(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (inputs, outputs):
        layers += [
            nn.Conv2d(before, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
