"""The ONNX form of each layer, from one traced run: what a layer is, not how its library names it.

A traced run (:mod:`zoo.graph`) is the same for the NumPy network and for any ``nn.Module``, so one
table serves both. ``torch.onnx.export`` would do for the second kind; it takes a minute for a
network of any image size (seconds here), its bytes change with its version, and it writes the
source code's paths into the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from zoo.errors import ZooError
from zoo.graph.layers import INPUT, Call, Source, Trace, is_module

_FEW = 64  # numbers that a constant may have which is no weight


class Graph:
    """An ONNX graph in the making: nodes, constants, and a name for each value."""

    def __init__(self) -> None:
        self.run: Trace | None = None  # what is being written, and the value of each layer so far
        self.values: dict[str, str] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def add(self, operation: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node; return the name of its output, which is the node's name too."""
        node = helper.make_node(operation, list(inputs), [output], name=output, **attributes)
        self.nodes.append(node)
        return output

    def constant(self, name: str, values: Any, dtype: Any = np.float32) -> str:
        """Add a constant array; return its name."""
        array = np.ascontiguousarray(np.asarray(values, dtype=dtype)).reshape(np.shape(values))
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def proto(
        self, name: str, given: onnx.ValueInfoProto, answer: onnx.ValueInfoProto
    ) -> onnx.GraphProto:
        """Return the finished graph."""
        return helper.make_graph(self.nodes, name, [given], [answer], list(self.constants.values()))


Translation = Callable[[Graph, Call, list[str]], str]


def write_layers(graph: Graph, run: Trace, given: str) -> str:
    """Add the layers of a traced run to a graph; return the name of the answer.

    Args:
        graph: What they are added to.
        run: Of the network in evaluation mode.
        given: Name of the value that is the network's input.

    Raises:
        ZooError: A layer has no ONNX form here.
    """
    names = {INPUT: given}
    graph.run, graph.values = run, names
    for name, call in run.calls.items():
        inputs = [names[source] for source in call.layer.inputs]
        if _changes_nothing(run, call):
            names[name] = inputs[0]
            continue
        operation = call.layer.operation.strip("_")
        translation = TRANSLATIONS.get(operation)
        if translation is None or call.part:
            raise ZooError(
                f"The layer {name!r} ({operation}) has no ONNX form here; "
                "zoo/backends/onnx_layers.py has those of the other layers."
            )
        names[name] = translation(graph, call, inputs)
    return names[run.output]


def _changes_nothing(run: Trace, call: Call) -> bool:
    """Whether a layer hands on what it gets: in evaluation mode, and at the size of this run."""
    operation = call.layer.operation.strip("_")
    if operation in ("Identity", "Dropout", "Dropout2d", "contiguous"):
        return True
    sliced = operation == "getitem" and not any(
        isinstance(part, int | type(None)) for part in call.arguments[1]
    )
    return sliced and run[call.layer.name].shape == run[call.layer.inputs[0]].shape


def _array(value: Any) -> np.ndarray:
    """Return a layer's own numbers, of torch or NumPy, as float32."""
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value, np.float32)


def _pair(value: Any) -> list[int]:
    return [int(v) for v in value] if isinstance(value, tuple | list) else [int(value)] * 2


def _weights(graph: Graph, call: Call) -> list[str]:
    """Add the kernels of one of torch's convolutions, and its bias if it has one."""
    own = {"weight": call.function.weight, "bias": call.function.bias}
    return [
        graph.constant(f"{call.layer.name}.{key}", _array(values))
        for key, values in own.items()
        if values is not None
    ]


def _convolution(graph: Graph, call: Call, inputs: list[str]) -> str:
    layer, name = call.function, call.layer.name
    if not is_module(layer):
        return _numpy_convolution(graph, call, inputs)
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        raise ZooError(f"The padding of {name!r} has no ONNX form here.")
    padding = _pair(layer.padding)
    return graph.add(
        "Conv", [*inputs, *_weights(graph, call)], name, kernel_shape=_pair(layer.kernel_size),
        strides=_pair(layer.stride), dilations=_pair(layer.dilation), group=layer.groups,
        pads=padding * 2,
    )  # fmt: skip


def _transposed_convolution(graph: Graph, call: Call, inputs: list[str]) -> str:
    layer, name = call.function, call.layer.name
    return graph.add(
        "ConvTranspose", [*inputs, *_weights(graph, call)], name,
        kernel_shape=_pair(layer.kernel_size), strides=_pair(layer.stride),
        dilations=_pair(layer.dilation), group=layer.groups, pads=_pair(layer.padding) * 2,
        output_padding=_pair(layer.output_padding),
    )  # fmt: skip


def _numpy_convolution(graph: Graph, call: Call, inputs: list[str]) -> str:
    layer, name = call.function, call.layer.name
    weights = [graph.constant(f"{name}.{key}", array) for key, array in layer.parameters.items()]
    return graph.add(
        "Conv", [*inputs, *weights], name, kernel_shape=_pair(layer.kernel),
        strides=_pair(layer.stride), pads=[layer.padding] * 4,
    )  # fmt: skip


def _batch_norm(graph: Graph, call: Call, inputs: list[str]) -> str:
    layer, name = call.function, call.layer.name
    found: dict[str, Any] = (
        dict(layer.state_dict()) if is_module(layer) else {**layer.parameters, **layer.buffers}
    )
    mean = _array(found["running_mean"])
    arrays = {
        "weight": _array(found["weight"]) if "weight" in found else np.ones_like(mean),
        "bias": _array(found["bias"]) if "bias" in found else np.zeros_like(mean),
        "running_mean": mean,
        "running_var": _array(found["running_var"]),
    }
    own = [graph.constant(f"{name}.{key}", array) for key, array in arrays.items()]
    return graph.add("BatchNormalization", [*inputs, *own], name, epsilon=layer.eps)


def _group_norm(graph: Graph, call: Call, inputs: list[str]) -> str:
    """Normalize groups as if each were a channel, then scale and shift the real channels.

    Opset 18 has no sound GroupNormalization of its own.
    """
    layer, name = call.function, call.layer.name
    groups = getattr(layer, "num_groups", None) or getattr(layer, "groups", None)
    if groups is None:  # torch's LayerNorm, of the last axes
        raise ZooError(f"The normalization {name!r} has no ONNX form here.")
    own = layer.parameters if isinstance(layer.parameters, dict) else dict(layer.state_dict())
    shape = graph.add("Shape", inputs, f"{name}.shape")
    grouped = graph.constant(f"{name}.groups", [0, groups, -1], np.int64)
    rows = graph.add("Reshape", [*inputs, grouped], f"{name}.grouped")
    ones = graph.constant(f"{name}.ones", np.ones(groups))
    zeros = graph.constant(f"{name}.zeros", np.zeros(groups))
    normal = graph.add(
        "InstanceNormalization", [rows, ones, zeros], f"{name}.normal", epsilon=layer.eps
    )
    back = graph.add("Reshape", [normal, shape], f"{name}.back")
    sides = (-1, *[1] * (len(call.layer.shape) - 1))
    for operation, key in (("Mul", "weight"), ("Add", "bias")):
        if key in own:
            factor = graph.constant(f"{name}.{key}", _array(own[key]).reshape(sides))
            back = graph.add(operation, [back, factor], f"{name}.{operation.lower()}")
    return back


def _linear(graph: Graph, call: Call, inputs: list[str]) -> str:
    layer, name = call.function, call.layer.name
    if len(call.layer.shape) != 1:
        raise ZooError(f"{name!r} is applied to more than one place: no ONNX form here.")
    own = layer.parameters if isinstance(layer.parameters, dict) else dict(layer.state_dict())
    rows = graph.add("Flatten", inputs, f"{name}.rows", axis=1)
    weights = [
        graph.constant(f"{name}.{k}", _array(own[k])) for k in ("weight", "bias") if k in own
    ]
    return graph.add("Gemm", [rows, *weights], name, transB=1)


def _pooling(operation: str) -> Translation:
    def translate(graph: Graph, call: Call, inputs: list[str]) -> str:
        layer, name = call.function, call.layer.name
        kernel = _pair(layer.kernel_size if is_module(layer) else layer.kernel)
        options: dict[str, Any] = {"kernel_shape": kernel, "strides": kernel}
        if is_module(layer):
            options |= {
                "strides": _pair(layer.stride or layer.kernel_size),
                "pads": _pair(layer.padding) * 2,
                "ceil_mode": int(layer.ceil_mode),
            }
            if operation == "AveragePool":
                options["count_include_pad"] = int(layer.count_include_pad)
        return graph.add(operation, inputs, name, **options)

    return translate


def _global_pooling(operation: str) -> Translation:
    def translate(graph: Graph, call: Call, inputs: list[str]) -> str:
        if call.layer.shape[-2:] != (1, 1):
            raise ZooError(f"{call.layer.name!r} pools to more than one place: no ONNX form here.")
        return graph.add(operation, inputs, call.layer.name)

    return translate


def _activation(operation: str, **attributes: Any) -> Translation:
    def translate(graph: Graph, call: Call, inputs: list[str]) -> str:
        return graph.add(operation, inputs, call.layer.name, **attributes)

    return translate


def _gelu(graph: Graph, call: Call, inputs: list[str]) -> str:
    """x · ½ (1 + erf(x / √2)); opset 20 has it as one node, which older runtimes do not know."""
    name, (x,) = call.layer.name, inputs
    if getattr(call.function, "approximate", "none") != "none":
        raise ZooError(f"The approximated GELU {name!r} has no ONNX form here.")
    scaled = graph.add("Div", [x, graph.constant(f"{name}.root", np.sqrt(2))], f"{name}.scaled")
    erf = graph.add("Erf", [scaled], f"{name}.erf")
    more = graph.add("Add", [erf, graph.constant(f"{name}.one", 1)], f"{name}.more")
    product = graph.add("Mul", [x, more], f"{name}.product")
    return graph.add("Mul", [product, graph.constant(f"{name}.half", 0.5)], name)


def _silu(graph: Graph, call: Call, inputs: list[str]) -> str:
    gate = graph.add("Sigmoid", inputs, f"{call.layer.name}.gate")
    return graph.add("Mul", [*inputs, gate], call.layer.name)


def _elementwise(operation: str) -> Translation:
    def translate(graph: Graph, call: Call, inputs: list[str]) -> str:
        name = call.layer.name
        both = []
        for number, value in enumerate(call.arguments[:2]):
            if isinstance(value, Source):
                both.append(inputs[call.layer.inputs.index(value.name)])
                continue
            array = _array(value)
            if array.size > _FEW:
                raise ZooError(f"{name!r} takes numbers from outside of the network's layers.")
            both.append(graph.constant(f"{name}.{number}", array))
        return graph.add(operation, both, name)

    return translate


def _concatenation(graph: Graph, call: Call, inputs: list[str]) -> str:
    axis = call.options.get("dim", call.arguments[1] if len(call.arguments) > 1 else 0)
    return graph.add("Concat", inputs, call.layer.name, axis=int(axis))


def _spread(graph: Graph, call: Call, inputs: list[str]) -> str:
    """Put the one place of each map everywhere, as large as the maps are that it was pooled from.

    That size is the image's, so it is taken from those maps where the network runs.
    """
    assert graph.run is not None
    name, size = call.layer.name, call.layer.shape[-2:]
    layer = graph.run.calls[call.layer.inputs[0]].layer
    while layer.shape[-2:] != size:
        if len(layer.inputs) != 1 or layer.inputs[0] == INPUT:
            raise ZooError(f"The resizing {name!r} has a size that comes from no map before it.")
        layer = graph.run.calls[layer.inputs[0]].layer

    def part(of: str, begin: int, end: int, title: str) -> str:
        return graph.add("Shape", [of], f"{name}.{title}", start=begin, end=end)

    kept, places = part(inputs[0], 0, 2, "kept"), part(graph.values[layer.name], 2, 4, "places")
    sides = graph.add("Concat", [kept, places], f"{name}.sides", axis=0)
    return graph.add("Expand", [*inputs, sides], name)


def _has_one_place(graph: Graph, call: Call) -> bool:
    assert graph.run is not None
    return graph.run.calls[call.layer.inputs[0]].layer.shape[-2:] == (1, 1)


def _resizing(graph: Graph, call: Call, inputs: list[str]) -> str:
    found, name = call.options, call.layer.name
    factor, mode = found.get("scale_factor"), found.get("mode", "nearest")
    if factor is None and _has_one_place(graph, call):
        return _spread(graph, call, inputs)
    if factor is None or mode not in ("nearest", "bilinear") or found.get("antialias"):
        raise ZooError(f"The resizing {name!r} is no bilinear or nearest one by a factor.")
    scales = graph.constant(
        f"{name}.scales", [1, 1, *([factor] * 2 if np.isscalar(factor) else factor)]
    )
    corners = "align_corners" if found.get("align_corners") else "half_pixel"
    options = {"mode": "linear", "coordinate_transformation_mode": corners}
    if mode == "nearest":
        options = {
            "mode": "nearest",
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        }
    return graph.add("Resize", [*inputs, "", scales], name, **options)


def _depth_to_space(graph: Graph, call: Call, inputs: list[str]) -> str:
    side = int(call.arguments[1] if len(call.arguments) > 1 else call.options["upscale_factor"])
    return graph.add("DepthToSpace", inputs, call.layer.name, blocksize=side, mode="CRD")


def _space_to_depth(graph: Graph, call: Call, inputs: list[str]) -> str:
    """Put torch's order of channels (a channel's together) in the place of ONNX's (a square's)."""
    side = int(call.arguments[1] if len(call.arguments) > 1 else call.options["downscale_factor"])
    name, channels = call.layer.name, call.layer.shape[0] // side**2
    squares = graph.add("SpaceToDepth", inputs, f"{name}.squares", blocksize=side)
    order = np.arange(channels * side**2).reshape(side**2, channels).T.ravel()
    places = graph.constant(f"{name}.order", order, np.int64)
    return graph.add("Gather", [squares, places], name, axis=1)


def _flatten(graph: Graph, call: Call, inputs: list[str]) -> str:
    first = getattr(call.function, "start_dim", None)
    if first is None:
        first = call.options.get("start_dim", (*call.arguments, 0)[1])
    if first != 1 or len(call.layer.shape) != 1:
        raise ZooError(f"{call.layer.name!r} flattens other axes than those of one image.")
    return graph.add("Flatten", inputs, call.layer.name, axis=1)


TRANSLATIONS: dict[str, Translation] = {
    "Conv2d": _convolution,
    "Convolution": _numpy_convolution,
    "ConvTranspose2d": _transposed_convolution,
    "BatchNorm2d": _batch_norm,
    "BatchNorm": _batch_norm,
    "GroupNorm": _group_norm,
    "LayerNorm": _group_norm,  # the NumPy network's: a single group
    "Linear": _linear,
    "MaxPool2d": _pooling("MaxPool"),
    "MaxPooling": _pooling("MaxPool"),
    "AvgPool2d": _pooling("AveragePool"),
    "AdaptiveMaxPool2d": _global_pooling("GlobalMaxPool"),
    "AdaptiveAvgPool2d": _global_pooling("GlobalAveragePool"),
    "ReLU": _activation("Relu"),
    "relu": _activation("Relu"),
    "Sigmoid": _activation("Sigmoid"),
    "sigmoid": _activation("Sigmoid"),
    "Tanh": _activation("Tanh"),
    "Hardswish": _activation("HardSwish"),
    "Hardsigmoid": _activation("HardSigmoid", alpha=1 / 6, beta=0.5),
    "SiLU": _silu,
    "silu": _silu,
    "GELU": _gelu,
    "gelu": _gelu,
    "add": _elementwise("Add"),
    "iadd": _elementwise("Add"),
    "radd": _elementwise("Add"),
    "sub": _elementwise("Sub"),
    "mul": _elementwise("Mul"),
    "rmul": _elementwise("Mul"),
    "imul": _elementwise("Mul"),
    "truediv": _elementwise("Div"),
    "div": _elementwise("Div"),
    "cat": _concatenation,
    "concat": _concatenation,
    "interpolate": _resizing,
    "pixel_shuffle": _depth_to_space,
    "pixel_unshuffle": _space_to_depth,
    "Flatten": _flatten,
    "flatten": _flatten,
}


def input_and_answer(
    shape: Sequence[int | str], answer: Sequence[int | str]
) -> tuple[onnx.ValueInfoProto, onnx.ValueInfoProto]:
    """Describe the graph's input and its answer; a text stands for any number."""
    return (
        helper.make_tensor_value_info("images", TensorProto.FLOAT, list(shape)),
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, list(answer)),
    )
