"""How layers connect places: windows of convolutions and pooling, as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.graph.layers import Call, Source

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Window:
    """The sliding window of a convolution or a pooling layer; pairs are (rows, columns).

    Output position o sees the input positions stride · o − padding + dilation · (0 … kernel − 1).

    Attributes:
        kernel: Its side.
        stride: Its step.
        padding: Rows above and columns left of the input that it may cover.
        dilation: Distance of its elements.
        groups: For a convolution: in how many groups channels are convolved apart.
        mode: What padding holds: ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``.
        weight: For a convolution: (out_channels, in_channels / groups, kernel,
            kernel), else None.
        bias: For a convolution: (out_channels,), or None.
    """

    kernel: Pair
    stride: Pair
    padding: Pair
    dilation: Pair = (1, 1)
    groups: int = 1
    mode: str = "zeros"
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None

    def positions(self, axis: int, index: int) -> np.ndarray:
        """Return the input positions that an output position sees; some may lie outside."""
        start = self.stride[axis] * index - self.padding[axis]
        return start + self.dilation[axis] * np.arange(self.kernel[axis])

    def unpadded(self, positions: np.ndarray, size: int) -> np.ndarray:
        """Return where padded positions take their values from; −1 where they are zero."""
        if self.mode == "reflect":
            positions = np.abs(positions)
            return np.where(positions >= size, 2 * (size - 1) - positions, positions)
        if self.mode == "replicate":
            return np.clip(positions, 0, size - 1)
        if self.mode == "circular":
            return positions % size
        return np.where((positions < 0) | (positions >= size), -1, positions)


def window(call: Call) -> Window:
    """Return the window of a convolution or a pooling layer.

    Raises:
        ZooError: The layer has none that is known here.
    """
    function, operation = call.function, call.layer.operation
    if operation == "Convolution":  # the NumPy network's
        return Window(
            _pair(function.kernel),
            _pair(function.stride),
            _pair(function.padding),
            weight=function.parameters["weight"],
            bias=function.parameters.get("bias"),
        )
    if operation == "MaxPooling":
        return Window(_pair(function.kernel), _pair(function.kernel), (0, 0))
    if operation == "Conv2d":
        return _module_convolution(function)
    if operation in ("MaxPool2d", "AvgPool2d"):
        return Window(
            _pair(function.kernel_size),
            _pair(function.stride),
            _pair(function.padding),
            _pair(getattr(function, "dilation", 1)),
        )
    if operation == "conv2d":
        return _functional_convolution(call)
    if operation in ("max_pool2d", "avg_pool2d"):
        return _functional_pooling(call)
    raise ZooError(f"{call.layer.name} ({operation}) has no window that is known here.")


def _module_convolution(module: Any) -> Window:
    kernel, dilation = _pair(module.kernel_size), _pair(module.dilation)
    return Window(
        kernel,
        _pair(module.stride),
        _padding(module.padding, kernel, dilation),
        dilation,
        module.groups,
        module.padding_mode,
        _array(module.weight),
        _array(module.bias),
    )


def _functional_convolution(call: Call) -> Window:
    """Read the arguments of ``functional.conv2d``."""
    names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
    given = arguments(call, names)
    if isinstance(given["weight"], Source):
        raise ZooError(f"The kernels of {call.layer.name} are computed from the image.")
    weight = _array(given["weight"])
    kernel, dilation = weight.shape[2:], _pair(given.get("dilation", 1))
    return Window(
        kernel,
        _pair(given.get("stride", 1)),
        _padding(given.get("padding", 0), kernel, dilation),
        dilation,
        given.get("groups", 1),
        weight=weight,
        bias=_array(given.get("bias")),
    )


def _functional_pooling(call: Call) -> Window:
    """Read the arguments of ``functional.max_pool2d`` or ``avg_pool2d``."""
    largest = call.layer.operation == "max_pool2d"
    names = ("input", "kernel_size", "stride", "padding", "dilation" if largest else "ceil_mode")
    given = arguments(call, names)
    kernel = _pair(given["kernel_size"])
    stride = given.get("stride")
    return Window(
        kernel,
        _pair(stride) if stride else kernel,
        _pair(given.get("padding", 0)),
        _pair(given.get("dilation", 1)),
    )


def arguments(call: Call, names: tuple[str, ...]) -> dict[str, Any]:
    """Return a call's arguments by name, positional ones in the order of ``names``."""
    return dict(zip(names, call.arguments, strict=False)) | dict(call.options)


def _padding(padding: Any, kernel: Pair, dilation: Pair) -> Pair:
    """Return rows above and columns left; "same" puts the odd one below and right."""
    if padding == "valid":
        return (0, 0)
    if padding == "same":
        return (dilation[0] * (kernel[0] - 1) // 2, dilation[1] * (kernel[1] - 1) // 2)
    return _pair(padding)


def _pair(value: Any) -> Pair:
    if isinstance(value, int):
        return (value, value)
    values = tuple(int(v) for v in value)
    return (values[0], values[-1])


def _array(tensor: Any) -> Any:
    return None if tensor is None else tensor.detach().float().cpu().numpy()


def check_position(layer: str, shape: tuple[int, ...], row: int, column: int) -> None:
    """Raise a :class:`ZooError` unless a layer's maps have that position."""
    if len(shape) == 3 and not (0 <= row < shape[1] and 0 <= column < shape[2]):
        raise ZooError(
            f"{layer} has {shape[1]} rows and {shape[2]} columns, so there is no "
            f"position ({row}, {column})."
        )
