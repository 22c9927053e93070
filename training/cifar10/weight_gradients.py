"""The weight gradients of convolutions over small maps, with a batch's images side by side.

For the weights' gradient oneDNN multiplies row by row: the sum runs over the pixels of one row of
one image. With matrix instructions (Intel AMX) that reads 32 pixels at a time, so a row of 7 wastes
most of each, and for every image the sum of 256 × 256 × 9 numbers is loaded and stored again. Of
a step of ``fast`` a quarter went there. Laid side by side, with a column of zeros between them,
ten images are one with rows of 80 pixels; the zeros are what the padding was, so the gradient is
the same sum in another order.

Processor time of one weight gradient, 1,000 images, 256 → 256 channels, bfloat16, one thread of a
Xeon with AMX, in milliseconds:

======== ===== ============ =========
map      plain side by side forward
======== ===== ============ =========
7 × 7    196   98           46
5 × 5    159   48           34
3 × 3    126   18           14
2 × 2    104   8            13
======== ===== ============ =========

What was tried and does not pay: as one product of unfolded maps, 238, 100, 36 and 13 (copying each
pixel nine times costs more than it saves); as nine products of shifted maps, 169, 102, 51, 21; the
same layout for the forward pass or the inputs' gradient, or for maps of 11 × 11 and more. Without
AMX (the same processor, ``ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16``) it costs nothing and gains little.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import custom_bwd, custom_fwd
from torch.nn import functional

WIDEST = 8  # pixels a row of the maps that gain
ROW = 80  # pixels a row at most, side by side


class SideBySideConv2d(nn.Conv2d):
    """A 3 × 3 convolution that computes what a plain one does, and shares its weight.

    Args:
        plain: kernel 3, stride 1, padding 1.
    """

    def __init__(self, plain: nn.Conv2d) -> None:
        super().__init__(
            plain.in_channels, plain.out_channels, 3, padding=1, bias=False, device="meta"
        )
        self.weight, self.bias = plain.weight, plain.bias

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        return _SideBySide.apply(input, self.weight, self.bias)


def lay_side_by_side(network: nn.Module) -> None:
    """Exchange a network's 3 × 3 convolutions for ones with the faster gradient, in place.

    Parameters, their names and their order stay.
    """
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d) and fits(module):
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, SideBySideConv2d(module))


def fits(convolution: nn.Conv2d) -> bool:
    """Tell whether its weight gradient can be computed with images side by side."""
    own = (convolution.kernel_size, convolution.stride, convolution.padding, convolution.dilation)
    return own == ((3, 3), (1, 1), (1, 1), (1, 1)) and convolution.groups == 1


class _SideBySide(torch.autograd.Function):
    @staticmethod
    @custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)
    def forward(ctx: Any, inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return functional.conv2d(inputs, weight, bias, padding=1)

    @staticmethod
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        of_inputs, of_weight, of_bias = None, None, None
        if ctx.needs_input_grad[0]:
            of_inputs, _ = _gradients(gradient, inputs, weight, (True, False))
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum(dim=(0, 2, 3), dtype=torch.float32)
        if ctx.needs_input_grad[1]:
            images = images_a_row(len(inputs), inputs.shape[3])
            gradient, inputs = (side_by_side(maps, images) for maps in (gradient, inputs))
            _, of_weight = _gradients(gradient, inputs, weight, (False, True))
        return of_inputs, of_weight, of_bias


def images_a_row(count: int, width: int) -> int:
    """Return how many of ``count`` maps, so many pixels wide, are laid side by side."""
    if width > WIDEST:
        return 1
    most = ROW // (width + 1)
    return next(images for images in range(most, 0, -1) if count % images == 0)


def side_by_side(maps: Tensor, images: int) -> Tensor:
    """Lay maps side by side, a column of zeros behind each.

    Args:
        maps: (N, C, H, W).
        images: how many in a row, a divisor of N.

    Returns:
        (N / images, C, H, images · (W + 1)), channels last; for one image a row, ``maps``.
    """
    if images == 1:
        return maps
    count, channels, height, width = maps.shape
    wide = maps.new_zeros(count // images, height, images, width + 1, channels)
    rows = maps.permute(0, 2, 3, 1).reshape(-1, images, height, width, channels)
    wide[:, :, :, :width] = rows.transpose(1, 2)
    return wide.flatten(2, 3).permute(0, 3, 1, 2)


def _gradients(
    gradient: Tensor, inputs: Tensor, weight: Tensor, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradients of a convolution's inputs and weight, None for one not wanted."""
    one = [1, 1]  # stride, padding, dilation
    of_inputs, of_weight, _ = torch.ops.aten.convolution_backward(
        gradient, inputs, weight, None, one, one, one, False, [0, 0], 1, [*wanted, False]
    )
    return of_inputs, of_weight
