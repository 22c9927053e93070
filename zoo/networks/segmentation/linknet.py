"""LinkNet: add the detail instead of concatenating it.

Chaurasia & Culurciello 2017, "LinkNet: exploiting encoder representations for efficient semantic
segmentation" (arXiv 1707.03718). Each step up takes what came from below through a bottleneck, and
adds (a link) the encoder's maps of that size, so that the decoder stays narrow:

    x_k = decoder(x_{k+1}) + f_k      decoder: 1 × 1 (m → m/4), full convolution, 1 × 1 (m/4 → n)

A full convolution is a transposed one: each position paints a 4 × 4 patch with stride 2. (The
paper's are 3 × 3; 4 × 4 covers every pixel equally often, so that no checkerboard arises.)
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from zoo.networks.segmentation.blocks import (
    SQUARE,
    ConvNormAct,
    DoubleConv,
    SegmentationNetwork,
)


class LinkNet(SegmentationNetwork):
    """Say for each pixel of an RGB image whether it belongs to the thing; links add the detail.

    Args:
        widths, context: of the encoder; see `SegmentationNetwork`.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 112, 160, 224), context: int = 4) -> None:
        super().__init__(widths, context)
        self.arguments = {"widths": list(widths), "context": context}
        self.up = nn.ModuleList(
            LinkDecoder(below, width)
            for below, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.last = DoubleConv(widths[0], widths[0])
        self.head = nn.Conv2d(widths[0], SQUARE**2, 1)

    def decode(self, features: list[Tensor]) -> Tensor:
        """Return the logits (N, 1, H, W) of the encoder's feature maps."""
        x = features.pop()
        for up in self.up:
            x = up(x) + features.pop()
        return functional.pixel_shuffle(self.head(self.last(x)), SQUARE)


class LinkDecoder(nn.Module):
    """One step up: a bottleneck around a transposed convolution."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        middle = in_channels // 4
        self.narrow = ConvNormAct(in_channels, middle, kernel=1)
        self.full = nn.ConvTranspose2d(middle, middle, 4, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(middle)
        self.act = nn.ReLU(inplace=True)
        self.widen = ConvNormAct(middle, out_channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, 2H, 2W)."""
        return self.widen(self.act(self.bn(self.full(self.narrow(x)))))
