"""The car network: a U-Net that is small, and works on squares of pixels instead of pixels.

A U-Net (Ronneberger et al. 2015, arXiv 1505.04597) shrinks the image step by step, so that each
position comes to know more of its surroundings, and grows it back; at every size a skip connection
hands the fine detail from the way down to the way up. Here each 2 × 2 square of pixels becomes one
position with 12 channels first (space to depth), and the last layer answers for all four pixels at
once (depth to space: Shi et al. 2016, arXiv 1609.05158). No detail is lost by that, and the layers
at the full size, which cost a usual U-Net most of its time, are not needed. (A narrow one at the
end, with the image itself beside it, brought the trained network nothing for 17 % more time:
commit 4050e79 has it.)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.segmentation.blocks import (
    SQUARE,
    ConvNormAct,
    DoubleConv,
    SegmentationNetwork,
    enlarge,
)


class UNet(SegmentationNetwork):
    """Say for each pixel of an RGB image whether it belongs to the thing.

    Args:
        widths, context: of the encoder; see `SegmentationNetwork`.
        skips: whether the skip connections are there. Without them everything must pass through
            the smallest size; an experiment shows what that costs.
    """

    def __init__(
        self, widths: Sequence[int] = (24, 48, 96, 128, 192), skips: bool = True, context: int = 0
    ) -> None:
        super().__init__(widths, context)
        self.arguments = {"widths": list(widths), "skips": skips, "context": context}
        self.skips = skips
        self.up = nn.ModuleList(
            Up(below, width, skips)
            for below, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], SQUARE**2, 1)

    def decode(self, features: list[Tensor]) -> Tensor:
        """Return the logits (N, 1, H, W) of the encoder's feature maps."""
        x = features.pop()
        for up in self.up:
            x = up(x, features.pop())
        return functional.pixel_shuffle(self.head(x), SQUARE)


class Up(nn.Module):
    """One step up: fewer channels, twice the size, joined with the detail of the way down."""

    def __init__(self, in_channels: int, out_channels: int, skips: bool) -> None:
        super().__init__()
        self.skips = skips
        # before growing: a quarter of the work
        self.narrow = ConvNormAct(in_channels, out_channels, kernel=1)
        self.block = DoubleConv(2 * out_channels if skips else out_channels, out_channels)

    def forward(self, x: Tensor, detail: Tensor) -> Tensor:
        """Map (N, inputs, H, W) and detail (N, outputs, 2H, 2W) to (N, outputs, 2H, 2W)."""
        x = enlarge(self.narrow(x), 2)
        return self.block(torch.cat([x, detail], dim=1) if self.skips else x)
