"""A network with all paths open, positive weights and no closed gates: what reaches what?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from zoo.explain.subject import module, resolve
from zoo.graph.geometry import check_position
from zoo.graph.layers import kind
from zoo.graph.modules import own_settings, private_copy
from zoo.graph.torch_trace import Runner


def gradient_box(
    subject: Any, image: Any, layer: str, row: int, column: int
) -> tuple[int, int, int, int] | None:
    """Return top, left, bottom and right of the pixels that can change a position, or None.

    See :func:`zoo.explain.receptive_field_by_gradient`.
    """
    _, inputs = resolve(subject, image)
    with own_settings(gradients=True):
        x = torch.ones(inputs.shape, dtype=torch.float64, device="cpu", requires_grad=True)
        runner = Runner(opened(module(subject)))
        outputs: dict[int, Tensor] = {}
        with OpenPaths():
            runner(x, watch=lambda number, value: outputs.update({number: value.clone()}))
        calls = {call.layer.name: number for number, call in enumerate(runner.recorder.calls())}
        if layer not in calls:
            return None
        value = outputs[calls[layer]][0]
        check_position(layer, tuple(value.shape), row, column)
        target = value[:, row, column].sum() if value.ndim == 3 else value.sum()
        if not target.requires_grad:
            return None
        (gradient,) = torch.autograd.grad(target, x, allow_unused=True)
    if gradient is None or not gradient.any():
        return None
    touched = gradient[0].abs().sum(0) > 0
    rows, columns = (touched.any(dim).nonzero().ravel() for dim in (1, 0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def opened(network: nn.Module) -> nn.Module:
    """Return a copy in float64, on the CPU, whose weights are positive and whose gates are open."""
    network = private_copy(network).cpu().double()
    with torch.no_grad():
        for part in network.modules():
            for parameter in part.parameters(recurse=False):
                # The mean of the inputs, so that deep networks neither vanish nor overflow.
                parameter.fill_(parameter.shape[0] / parameter.numel() if parameter.ndim > 1 else 1)
            for name, buffer in part.named_buffers(recurse=False):
                if name in ("running_mean", "running_var"):
                    buffer.fill_(float(name == "running_var"))
            for name, child in list(part.named_children()):
                if kind(type(child).__name__) == "activation":
                    setattr(part, name, nn.Identity())
    return network


class OpenPaths(TorchFunctionMode):
    """Lets a gradient pass to all that a function looks at.

    A maximum passes it to its winner alone, and what normalizes takes the mean off, so that the
    gradients of a sum cancel. Here the one becomes the mean of its window, and the other adds the
    mean of the values that it would have normalized by.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = dict(kwargs or {})
        name = func.__name__
        if func is functional.max_pool2d or name in ("boolean_dispatch", "max_pool2d"):
            return _mean_of_windows(*args, **options)
        if func is functional.adaptive_max_pool2d or name == "adaptive_max_pool2d":
            return functional.adaptive_avg_pool2d(*args[:2])
        if name == "layer_norm":
            axes = len(args[1] if len(args) > 1 else options["normalized_shape"])
            return _with_mean(args[0], tuple(range(-axes, 0)))
        if name == "group_norm":
            return _with_group_mean(args[0], args[1] if len(args) > 1 else options["num_groups"])
        if name == "instance_norm":
            return _with_mean(args[0], tuple(range(2, args[0].ndim)))
        return func(*args, **options)


def _with_mean(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return x + x.mean(axes, keepdim=True)


def _with_group_mean(x: Tensor, groups: int) -> Tensor:
    grouped = x.reshape(len(x), groups, -1)
    return (grouped + grouped.mean(2, keepdim=True)).reshape(x.shape)


def _mean_of_windows(
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
