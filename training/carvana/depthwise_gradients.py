"""The weight gradient of depthwise convolutions, as one convolution more.

Position (i, j) of a kernel's gradient is the sum over the map of upper gradient times input, the
input moved by (i, j): a depthwise convolution of the padded input with the upper gradient as its
kernel, of every image's every channel by itself, and the sum over the images. PyTorch's own takes
14 ms for a 7 × 7 kernel, 192 channels and 8 maps of 11 × 16, bfloat16, on a core of a Xeon with AMX
(6 in float32); this takes 2.7. The car network has four of them, and a step takes 0.80 to 0.85 of
the time (8 images, 256 × 384 and 352 × 512). `torch.compile` made it no shorter there, after four
minutes of compiling.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import custom_bwd, custom_fwd
from torch.nn import functional


class DepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution that computes what a plain one does, and shares its weight.

    Args:
        plain: stride 1, no bias, an odd kernel, padded so that the size stays.
    """

    def __init__(self, plain: nn.Conv2d) -> None:
        height, width = plain.kernel_size
        super().__init__(
            plain.in_channels, plain.out_channels, (height, width),
            padding=(height // 2, width // 2), groups=plain.groups, bias=False, device="meta",
        )  # fmt: skip
        self.weight = plain.weight

    def forward(self, input: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return _Depthwise.apply(input, self.weight)


def speed_up(network: nn.Module) -> None:
    """Exchange a network's depthwise convolutions for ones with the faster gradient, in place.

    Parameters, their names and their order stay.
    """
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d) and fits(module):
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, DepthwiseConv2d(module))


def fits(convolution: nn.Conv2d) -> bool:
    """Tell whether its weight gradient can be computed so."""
    odd = all(side % 2 for side in convolution.kernel_size)
    around = tuple(side // 2 for side in convolution.kernel_size)
    usual = (convolution.stride, convolution.dilation, convolution.padding_mode)
    return (
        convolution.groups == convolution.in_channels == convolution.out_channels > 1
        and odd
        and convolution.padding == around
        and usual == ((1, 1), (1, 1), "zeros")
        and convolution.bias is None
    )


class _Depthwise(torch.autograd.Function):
    @staticmethod
    @custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)
    def forward(ctx: Any, inputs: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(inputs, weight)
        return functional.conv2d(
            inputs, weight, padding=[side // 2 for side in weight.shape[2:]], groups=len(weight)
        )

    @staticmethod
    @custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        inputs, weight = ctx.saved_tensors
        of_inputs, of_weight = None, None
        if ctx.needs_input_grad[0]:
            one, around = [1, 1], [side // 2 for side in weight.shape[2:]]
            of_inputs, _, _ = torch.ops.aten.convolution_backward(
                gradient, inputs, weight, None, one, around, one, False, [0, 0], len(weight),
                [True, False, False],
            )  # fmt: skip
        if ctx.needs_input_grad[1]:
            of_weight = weight_gradient(inputs, gradient, weight.shape[2:]).to(weight.dtype)
        return of_inputs, of_weight


def weight_gradient(inputs: Tensor, gradient: Tensor, kernel: torch.Size) -> Tensor:
    """Return a depthwise convolution's weight gradient, float32 (C, 1, *kernel).

    Args:
        inputs, gradient: (N, C, H, W), the convolution's input and its output's gradient.
        kernel: its height and width, odd.
    """
    images, channels, height, width = inputs.shape
    down, right = (side // 2 for side in kernel)
    padded = functional.pad(inputs.float().contiguous(), (right, right, down, down))
    maps = functional.conv2d(
        padded.view(1, images * channels, *padded.shape[2:]),
        gradient.float().reshape(images * channels, 1, height, width),
        groups=images * channels,
    )
    return maps.view(images, channels, *kernel).sum(dim=0)[:, None]
