"""Receptive fields: which part of the image a position of a feature map can see.

Two ways that must agree. :func:`receptive_field` follows the windows of the layers backwards
(Araujo, Norris & Sim 2019, "Computing receptive fields of convolutional neural networks", Distill).
:func:`receptive_field_by_gradient` asks the network itself: which pixels have a gradient?
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.graph.geometry import arguments, check_position, window
from zoo.graph.layers import INPUT, Call, Trace

Span = tuple[int, int]  # first and last position
Box = tuple[Span, Span]  # rows and columns

_POINTWISE = (
    *("batch norm", "activation", "dropout", "identity", "scaling", "addition"),
    "concatenation",
)
_WHOLE = ("group norm", "instance norm")


@dataclass(frozen=True)
class ReceptiveField:
    """A rectangle of the image, in pixels of the network's input.

    Attributes:
        top, left: The first row and column.
        bottom, right: The row and column after the last.
    """

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left


def receptive_field(run: Trace, layer: str, row: int = 0, column: int = 0) -> ReceptiveField:
    """Return what part of the image can change a position of a layer's output.

    Args:
        run: From :func:`zoo.explain.trace`.
        layer: A layer's name.
        row, column: The position in its maps; of no matter for a layer without maps.

    Raises:
        ZooError: There is no such layer or position.

    Example:
        >>> import zoo
        >>> from zoo.samples import samples
        >>> model = zoo.load("mnist", source="bundle", device="cpu")
        >>> run = zoo.explain.trace(model, samples("digits")[0].path)
        >>> receptive_field(run, "relu2", 5, 5)
        ReceptiveField(top=18, left=18, bottom=28, right=28)
    """
    shape = run.layer(layer).shape
    check_position(layer, shape, row, column)
    wanted: dict[str, Box] = {layer: ((row, row), (column, column))}
    if len(shape) < 3:
        wanted[layer] = ((0, 0), (0, 0))
    for name in reversed(list(run.calls)):
        if name in wanted:
            for source, box in _sources(run, run.calls[name], wanted[name]).items():
                wanted[source] = _hull(wanted[source], box) if source in wanted else box
        if name == layer and not wanted:
            break
    if INPUT not in wanted:
        raise ZooError(f"Nothing of the image reaches that position of {layer}.")
    (top, bottom), (left, right) = wanted[INPUT]
    return ReceptiveField(top, left, bottom + 1, right + 1)


def _sources(run: Trace, call: Call, box: Box) -> dict[str, Box]:
    """Return which part of each input a box of a layer's output comes from."""
    found: dict[str, Box] = {}
    out = call.layer.shape
    for source in dict.fromkeys(call.layer.inputs):
        shape = run[source].shape
        size = shape[1:] if len(shape) == 3 else (1, 1)
        if len(shape) != 3 or len(out) != 3:
            if max(len(shape), len(out)) > 3:
                raise _unknown(call)
            spans: tuple[Span, ...] = tuple((0, side - 1) for side in size)
        else:
            spans = tuple(_span(call, axis, box[axis], size[axis]) for axis in (0, 1))
        inside = [
            (max(first, 0), min(last, side - 1))
            for (first, last), side in zip(spans, size, strict=True)
        ]
        if all(first <= last for first, last in inside):  # else it saw only padding
            found[source] = (inside[0], inside[1])
    return found


def _unknown(call: Call) -> ZooError:
    return ZooError(
        f"How {call.layer.name} ({call.layer.operation}) connects places is not known here; "
        "use receptive_field_by_gradient."
    )


def _span(call: Call, axis: int, span: Span, size: int) -> Span:
    """Return what positions of the input, along one axis, a span of the output comes from."""
    kind, out = call.layer.kind, call.layer.shape[1 + axis]
    if kind in _POINTWISE and size in (1, out):
        return (0, 0) if size == 1 else span  # one value for all places: a gate, a bias
    if kind in _WHOLE or (kind in _OVER_AXES and 2 + axis in _OVER_AXES[kind](call)):
        return 0, size - 1
    if kind in _OVER_AXES and size == out:
        return span
    rule = _RULES.get(kind)
    if rule is None:
        raise _unknown(call)
    return rule(call, axis, span, size, out)


def _normalized_axes(call: Call) -> range:
    """Return the axes of (N, C, H, W) that a LayerNorm takes its statistics of."""
    if call.layer.operation not in ("LayerNorm", "layer_norm"):  # a LayerNorm of another kind
        raise _unknown(call)
    given = arguments(call, ("input", "normalized_shape"))
    shape = given.get("normalized_shape") or call.function.normalized_shape
    return range(4 - len(shape), 4)


def _named_axes(call: Call) -> tuple[int, ...]:
    """Return the axes of (N, C, H, W) that a mean or a softmax goes over."""
    given = arguments(call, ("input", "dim"))
    axes = given.get("dim", getattr(call.function, "dim", None))
    if axes is None:
        raise _unknown(call)
    return tuple(axis % 4 for axis in ((axes,) if isinstance(axes, int) else axes))


def _windowed(call: Call, axis: int, span: Span, size: int, out: int) -> Span:
    if "adaptive" in call.layer.operation.lower():  # windows share the input evenly
        return span[0] * size // out, -(-(span[1] + 1) * size // out) - 1
    sees = window(call)
    places = np.concatenate([sees.positions(axis, span[0]), sees.positions(axis, span[1])])
    if sees.mode == "zeros":
        # The first and last element inside; with a dilation the outermost may lie outside.
        between = np.concatenate([sees.positions(axis, i) for i in _ends(span, sees, axis)])
        places = between[(between >= 0) & (between < size)]
        return (int(places.min()), int(places.max())) if len(places) else (size, -1)
    inside = sees.unpadded(np.arange(places.min(), places.max() + 1), size)
    return int(inside.min()), int(inside.max())


def _ends(span: Span, sees: Any, axis: int) -> list[int]:
    """Return the positions at the ends of a span that decide about its hull."""
    reach = sees.dilation[axis] * sees.kernel[axis] + 1
    first, last = span
    begin, end = (
        range(first, min(last, first + reach) + 1),
        range(max(first, last - reach), last + 1),
    )
    return sorted({*begin, *end})


def _transposed(call: Call, axis: int, span: Span, size: int, out: int) -> Span:
    """Input i reaches the outputs stride · i − padding + dilation · (0 … kernel − 1)."""
    module = call.function
    stride, padding = module.stride[axis], module.padding[axis]
    reach = module.dilation[axis] * (module.kernel_size[axis] - 1)
    first = -(-(span[0] + padding - reach) // stride)
    return first, (span[1] + padding) // stride


def _resized(call: Call, axis: int, span: Span, size: int, out: int) -> Span:
    """Return the neighbours that interpolation mixes, as PyTorch places them."""
    if call.layer.operation == "interpolate":
        names = ("input", "size", "scale_factor", "mode", "align_corners")
        given = arguments(call, names)
        mode, corners = given.get("mode", "nearest"), given.get("align_corners")
    else:
        mode, corners = call.function.mode, call.function.align_corners
    if mode.startswith("nearest"):
        middle = 0.5 if mode == "nearest-exact" else 0.0
        return tuple(min(int((i + middle) * size / out), size - 1) for i in span)  # type: ignore[return-value]
    if corners:
        places = [i * (size - 1) / max(out - 1, 1) for i in span]
    else:
        places = [(i + 0.5) * size / out - 0.5 for i in span]
    if mode == "bicubic":
        return math.floor(places[0]) - 1, math.floor(places[1]) + 2
    first, last = max(places[0], 0.0), max(places[1], 0.0)
    return math.floor(first + 1e-6), math.ceil(last - 1e-6)


def _to_depth(call: Call, axis: int, span: Span, size: int, out: int) -> Span:
    factor = size // out
    return span[0] * factor, span[1] * factor + factor - 1


def _to_space(call: Call, axis: int, span: Span, size: int, out: int) -> Span:
    factor = out // size
    return span[0] // factor, span[1] // factor


def padded(call: Call, axis: int, span: Span, size: int, out: int = 0) -> Span:
    """Return where a span of a padded map stands in the map before; it may lie outside.

    Raises:
        ZooError: The padding repeats the map in a way that is not known here.
    """
    if call.layer.operation == "pad":
        given = arguments(call, ("input", "pad", "mode"))
        pads, mode = given["pad"], given.get("mode", "constant")
    else:
        pads, mode = call.function.padding, "constant"
    before = pads[2 - 2 * axis] if len(pads) > 2 - 2 * axis else 0
    first, last = span[0] - before, span[1] - before
    if mode == "replicate":
        return min(max(first, 0), size - 1), min(max(last, 0), size - 1)
    if mode == "constant":
        return first, last
    raise ZooError(f"Padding by {mode!r} is not known here; use receptive_field_by_gradient.")


def _cropped(call: Call, axis: int, span: Span, size: int, out: int) -> Span:
    start, step = crop(call)[axis]
    return span[0] * step + start % size, span[1] * step + start % size


def crop(call: Call) -> tuple[Span, Span]:
    """Return (start, step) for rows and columns of a crop such as ``x[:, :, :height, 2:]``.

    Raises:
        ZooError: The indexing is of another kind.
    """
    index = call.arguments[1]
    index = index if isinstance(index, tuple) else (index,)
    full = len(index) <= 4 and all(isinstance(part, slice) for part in index)
    if not full or any(part != slice(None) for part in index[:2]):
        raise ZooError(f"The indexing {call.layer.name} is not known here.")
    spatial = [*index[2:], slice(None), slice(None)][:2]
    rows, columns = ((part.start or 0, part.step or 1) for part in spatial)
    return rows, columns


_OVER_AXES: dict[str, Callable[[Call], Sequence[int]]] = {
    "layer norm": _normalized_axes,
    "mean": _named_axes,
    "softmax": _named_axes,
}

_RULES: dict[str, Callable[[Call, int, Span, int, int], Span]] = {
    "convolution": _windowed,
    "max pooling": _windowed,
    "average pooling": _windowed,
    "transposed convolution": _transposed,
    "resizing": _resized,
    "space to depth": _to_depth,
    "depth to space": _to_space,
    "padding": padded,
    "cropping": _cropped,
}


def _hull(a: Box, b: Box) -> Box:
    rows, columns = ((min(s[0], t[0]), max(s[1], t[1])) for s, t in zip(a, b, strict=True))
    return rows, columns


def receptive_field_by_gradient(
    network: Any, image: Any, layer: str, row: int = 0, column: int = 0
) -> ReceptiveField:
    """Return the same as :func:`receptive_field`, measured: the pixels with a gradient.

    In a copy of the network all weights become positive, activations and BatchNorm pass on what
    they get and a maximum becomes a mean, so that no path is closed by chance. It works for any
    layers, and costs a forward and a backward pass in float64.

    Args:
        network: A model, a bare ``NumpyCNN`` (whose PyTorch twin is used) or any ``nn.Module``.
        image: An image for a model, an array (C, H, W) for a bare network; only its size matters.
        layer, row, column: As for :func:`receptive_field`.

    Raises:
        ZooError: There is no such layer or position, or nothing reaches it.
    """
    from zoo.explain.gradient_receptive_field import gradient_box

    box = gradient_box(network, image, layer, row, column)
    if box is None:
        raise ZooError(f"Nothing of the image reaches that position of {layer}.")
    return ReceptiveField(*box)
