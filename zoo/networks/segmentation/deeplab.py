"""DeepLabV3+: look at several distances at once, by convolutions with holes; then sharpen once.

Chen et al. 2018, "Encoder-decoder with atrous separable convolution for semantic image
segmentation" (arXiv 1802.02611). The encoder stops shrinking at 1/16 of the image's size; its last
stage has holes (dilation 2) instead, so that it still sees as far. Atrous spatial pyramid pooling
(ASPP) looks at several distances side by side,

    y = W [ W₀ x,  D₆ x,  D₁₂ x,  D₁₈ x,  mean(x) ]

with D_r a 3 × 3 convolution of dilation r, each channel alone, and one of 1 × 1 (atrous separable),

and the decoder grows that to 1/4, where the encoder's narrowed maps join it: one skip connection.
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

LOW = 1  # the size whose detail joins the decoder, as an index of the encoder's: 1/4


class DeepLab(SegmentationNetwork):
    """Say for each pixel of an RGB image whether it belongs to the thing, looking far by holes.

    Args:
        widths: of the encoder; see `SegmentationNetwork`. The last stage keeps the size.
        rates: dilations of the ASPP.
        aspp: channels of each of its branches, and of what they become.
        low: channels to which the detail is narrowed; the paper's 48.
    """

    def __init__(
        self,
        widths: Sequence[int] = (24, 48, 96, 128, 192),
        rates: Sequence[int] = (6, 12, 18),
        aspp: int = 160,
        low: int = 48,
    ) -> None:
        super().__init__(widths, context=0)
        if len(widths) < 3:
            raise ValueError("DeepLab takes at least three widths.")
        self.arguments = {
            "widths": list(widths), "rates": list(rates), "aspp": aspp, "low": low
        }  # fmt: skip
        self.multiple //= 2
        self.down[-1] = DoubleConv(widths[-2], widths[-1], dilation=2)
        self.aspp = ASPP(widths[-1], aspp, rates)
        self.detail = ConvNormAct(widths[LOW], low, kernel=1)
        self.join = DoubleConv(aspp + low, aspp)
        self.head = nn.Conv2d(aspp, 1, 1)

    def encode(self, x: Tensor) -> list[Tensor]:
        """Return the feature maps at 1/2, 1/4, … and twice at the smallest size."""
        found = []
        for number, block in enumerate(self.down):
            x = block(self.pool(x) if 0 < number < len(self.down) - 1 else x)
            found.append(x)
        return found

    def decode(self, features: list[Tensor]) -> Tensor:
        """Return the logits (N, 1, H, W) of the encoder's feature maps."""
        x = enlarge(self.aspp(features[-1]), 2 ** (len(features) - 2 - LOW))
        x = self.join(torch.cat([x, self.detail(features[LOW])], dim=1))
        return enlarge(self.head(x), SQUARE * 2**LOW)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: the same place seen at several distances, and the mean."""

    def __init__(self, in_channels: int, out_channels: int, rates: Sequence[int]) -> None:
        super().__init__()
        self.near = ConvNormAct(in_channels, out_channels, kernel=1)
        self.far = nn.ModuleList(AtrousSeparable(in_channels, out_channels, rate) for rate in rates)
        self.mean = nn.AdaptiveAvgPool2d(1)
        self.whole = ConvNormAct(in_channels, out_channels, kernel=1)
        self.mix = ConvNormAct((2 + len(rates)) * out_channels, out_channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        whole = functional.interpolate(self.whole(self.mean(x)), size=x.shape[2:], mode="nearest")
        seen = [self.near(x), *(look(x) for look in self.far), whole]
        return self.mix(torch.cat(seen, dim=1))


class AtrousSeparable(nn.Module):
    """A 3 × 3 convolution with holes of each channel alone, then one of all channels in place."""

    def __init__(self, in_channels: int, out_channels: int, rate: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(
            in_channels, in_channels, 3, padding=rate, dilation=rate, groups=in_channels, bias=False
        )
        self.bn = nn.BatchNorm2d(in_channels)
        self.act = nn.ReLU(inplace=True)
        self.mix = ConvNormAct(in_channels, out_channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return self.mix(self.act(self.bn(self.wide(x))))
