"""A network with all paths open, positive weights and no closed gates: what reaches what?"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from zoo.explain.subject import module_of
from zoo.graph.geometry import check_position
from zoo.graph.layers import kind
from zoo.graph.torch_trace import Runner

_MEANS = {
    functional.max_pool2d: functional.avg_pool2d,
    functional.adaptive_max_pool2d: functional.adaptive_avg_pool2d,
}


def gradient_box(
    subject: Any, image: Any, layer: str, row: int, column: int
) -> tuple[int, int, int, int] | None:
    """Return top, left, bottom and right of the pixels that can change a position, or None.

    See :func:`zoo.explain.receptive_field_by_gradient`.
    """
    network, inputs, _ = module_of(subject, image)
    network = opened(network)
    x = torch.ones(inputs.shape, dtype=torch.float64, requires_grad=True)
    outputs: dict[int, Tensor] = {}
    with OpenPooling():
        runner = Runner(network)
        runner(x, watch=lambda number, value: outputs.update({number: value}))
    names = [call.layer.name for call in runner.recorder.calls()]
    if layer not in names:
        return None
    value = outputs[names.index(layer)][0]
    check_position(layer, tuple(value.shape), row, column)
    target = value[:, row, column].sum() if value.ndim == 3 else value.sum()
    (gradient,) = torch.autograd.grad(target, x, allow_unused=True)
    if gradient is None or not gradient.any():
        return None
    touched = gradient[0].abs().sum(0) > 0
    rows, columns = (touched.any(dim).nonzero().ravel() for dim in (1, 0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def opened(network: nn.Module) -> nn.Module:
    """Return a copy in float64, on the CPU, whose weights are positive and whose gates are open."""
    network = copy.deepcopy(network).cpu().double().eval()
    with torch.no_grad():
        for module in network.modules():
            for parameter in module.parameters(recurse=False):
                # The mean of the inputs, so that deep networks neither vanish nor overflow.
                parameter.fill_(parameter.shape[0] / parameter.numel() if parameter.ndim > 1 else 1)
            for name, buffer in module.named_buffers(recurse=False):
                if name in ("running_mean", "running_var"):
                    buffer.fill_(float(name == "running_var"))
            for name, child in list(module.named_children()):
                if kind(type(child).__name__) == "activation":
                    setattr(module, name, nn.Identity())
    return network


class OpenPooling(TorchFunctionMode):
    """A maximum passes a gradient to its winner alone; the mean of a window to all of it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = dict(kwargs or {})
        if func is functional.max_pool2d or func.__name__ in ("boolean_dispatch", "max_pool2d"):
            return _sum_of_windows(*args, **options)
        if func in _MEANS or func.__name__ == "adaptive_max_pool2d":
            return functional.adaptive_avg_pool2d(*args[:2])
        return func(*args, **options)


def _sum_of_windows(
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """Return the mean of each window, dilation included, which average pooling has not."""
    sides = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
    channels = x.shape[1]
    ones = x.new_full((channels, 1, *sides), 1 / (sides[0] * sides[1]))
    stride = stride or sides
    if ceil_mode:
        return functional.avg_pool2d(x, sides, stride, padding, ceil_mode=True)
    return functional.conv2d(x, ones, None, stride, padding, dilation, channels)
