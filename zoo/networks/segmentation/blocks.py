"""What the networks of this room share: the frame around them, the way down, and small blocks.

Each 2 × 2 square of pixels becomes one position with 12 channels first (space to depth): no detail
is lost by that, and layers at the full size, which cost most of the time, are not needed. Then an
encoder shrinks the image step by step, so that each position comes to know more of its
surroundings. How the answer grows back from there is what the networks differ in; each has a file.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

SQUARE = 2  # side of the squares of pixels that become one position


class ConvNormAct(nn.Module):
    """A convolution that keeps the size, BatchNorm, ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 3, dilation: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel, padding=dilation * (kernel // 2), dilation=dilation,
            bias=False,
        )  # fmt: skip
        self.bn = nn.BatchNorm2d(out_channels)
        self.act = nn.ReLU(inplace=True)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return self.act(self.bn(self.conv(x)))


class DoubleConv(nn.Module):
    """Two 3 × 3 convolutions: the unit of the way down at every size, and of a U-Net's way up."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = ConvNormAct(in_channels, out_channels, dilation=dilation)
        self.second = ConvNormAct(out_channels, out_channels, dilation=dilation)

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


class SegmentationNetwork(nn.Module):
    """The frame: any size in, logits of that size out; in between an encoder and a `decode`.

    Args:
        widths: channels of the encoder at 1/2, 1/4, 1/8, … of the image's size; at least two.
        context: number of `Context` blocks at the smallest size. Each lets a position see three
            further positions to every side: with four it sees nearly the whole of an image of 512
            pixels, and so a car that fills it.

    The input is float32 of shape (N, 3, H, W), normalized with the mean and std of config.json,
    of any H and W; the output is the logits, (N, 1, H, W). Where H or W is no multiple of
    ``multiple``, the image is padded with its border pixels, and the answer cropped.
    """

    def __init__(self, widths: Sequence[int], context: int) -> None:
        super().__init__()
        if len(widths) < 2:
            raise ValueError(f"{type(self).__name__} takes at least two widths.")
        self.multiple = SQUARE * 2 ** (len(widths) - 1)
        in_channels = [3 * SQUARE**2, *widths[:-1]]
        self.down = nn.ModuleList(
            DoubleConv(before, after) for before, after in zip(in_channels, widths, strict=True)
        )
        self.pool = nn.MaxPool2d(2)
        self.context = nn.ModuleList(Context(widths[-1]) for _ in range(context))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, 1, H, W) for images (N, 3, H, W)."""
        height, width = x.shape[2:]
        bottom, right = -height % self.multiple, -width % self.multiple
        if bottom or right:
            x = functional.pad(x, (0, right, 0, bottom), mode="replicate")
        x = functional.pixel_unshuffle(x, SQUARE)
        return self.decode(self.encode(x))[:, :, :height, :width]

    def encode(self, x: Tensor) -> list[Tensor]:
        """Return the feature maps at 1/2, 1/4, 1/8, … of the image's size, the smallest last."""
        found = []
        for number, block in enumerate(self.down):
            x = block(self.pool(x) if number else x)
            found.append(x)
        for look in self.context:
            x = look(x)
        found[-1] = x
        return found

    def decode(self, features: list[Tensor]) -> Tensor:
        """Return the logits (N, 1, H, W), H and W multiples of ``multiple``, of feature maps."""
        raise NotImplementedError


def enlarge(x: Tensor, times: int) -> Tensor:
    """Scale maps up, bilinearly."""
    large = functional.interpolate(
        x, scale_factor=float(times), mode="bilinear", align_corners=False
    )
    if large.requires_grad:
        large.register_hook(_dense)
    return large


def _dense(gradient: Tensor) -> Tensor:
    """Return a gradient without gaps in memory.

    Behind a `torch.cat` it is a part of another one, from which PyTorch scales down six times more
    slowly: 166 instead of 26 ms of a step of the car recipe (batch 8, 352 × 512, bfloat16).
    """
    return gradient.contiguous(memory_format=torch.channels_last)
