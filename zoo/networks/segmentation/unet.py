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

SQUARE = 2  # side of the squares of pixels that become one position


class UNet(nn.Module):
    """Say for each pixel of an RGB image whether it belongs to the thing.

    Args:
        widths: channels at 1/2, 1/4, 1/8, … of the image's size; at least two.
        skips: whether the skip connections are there. Without them everything must pass through
            the smallest size; an experiment shows what that costs.
        context: number of `Context` blocks at the smallest size. Each lets a position see three
            further positions to every side: with four it sees nearly the whole of an image of 512
            pixels, and so a car that fills it.

    The input is float32 of shape (N, 3, H, W), normalized with the mean and std of config.json,
    of any H and W; the output is the logits, (N, 1, H, W). Where H or W is no multiple of
    ``multiple``, the image is padded with its border pixels, and the answer cropped.
    """

    def __init__(
        self, widths: Sequence[int] = (24, 48, 96, 128, 192), skips: bool = True, context: int = 0
    ) -> None:
        super().__init__()
        if len(widths) < 2:
            raise ValueError("UNet takes at least two widths.")
        self.arguments = {"widths": list(widths), "skips": skips, "context": context}
        self.skips = skips
        self.multiple = SQUARE * 2 ** (len(widths) - 1)
        in_channels = [3 * SQUARE**2, *widths[:-1]]
        self.down = nn.ModuleList(
            DoubleConv(before, after) for before, after in zip(in_channels, widths, strict=True)
        )
        self.pool = nn.MaxPool2d(2)
        self.context = nn.ModuleList(Context(widths[-1]) for _ in range(context))
        self.up = nn.ModuleList(
            Up(below, width, skips)
            for below, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(widths[0], SQUARE**2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, 1, H, W) for images (N, 3, H, W)."""
        height, width = x.shape[2:]
        bottom, right = -height % self.multiple, -width % self.multiple
        if bottom or right:
            x = functional.pad(x, (0, right, 0, bottom), mode="replicate")
        x = functional.pixel_unshuffle(x, SQUARE)
        details = []
        for number, block in enumerate(self.down):
            x = block(self.pool(x) if number else x)
            details.append(x)
        for look in self.context:
            x = look(x)
        details.pop()  # of the smallest size, where the way up begins
        for up in self.up:
            x = up(x, details.pop())
        return functional.pixel_shuffle(self.head(x), SQUARE)[:, :, :height, :width]


class ConvNormAct(nn.Module):
    """A convolution that keeps the size, BatchNorm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        self.act = nn.ReLU(inplace=True)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return self.act(self.bn(self.conv(x)))


class DoubleConv(nn.Module):
    """Two 3 × 3 convolutions: the U-Net's unit at every size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.first = ConvNormAct(in_channels, out_channels)
        self.second = ConvNormAct(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return self.second(self.first(x))


class Context(nn.Module):
    """A look further around: what it finds is added to what is there.

    A wide convolution of each channel alone, then one of all channels in place: a 7 × 7 view for
    less work than a usual 3 × 3 one (as in ConvNeXt, Liu et al. 2022, arXiv 2201.03545).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(width, width, 7, padding=3, groups=width, bias=False)
        self.wide_bn = nn.BatchNorm2d(width)
        self.act = nn.ReLU(inplace=True)
        self.mix = nn.Conv2d(width, width, 1, bias=False)
        self.mix_bn = nn.BatchNorm2d(width)
        nn.init.zeros_(self.mix_bn.weight)  # at first it adds nothing

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape."""
        return x + self.mix_bn(self.mix(self.act(self.wide_bn(self.wide(x)))))


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
        x = functional.interpolate(
            self.narrow(x), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        return self.block(torch.cat([x, detail], dim=1) if self.skips else x)
