"""What a traced run consists of: layers, the calls that computed them, and their outputs.

A :class:`Trace` is what the functions of :mod:`zoo.explain` look things up in. Leaf modules are
layers, and so are functions that the network calls between them (``torch.cat``,
``functional.interpolate``, ``x + y``).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from zoo.errors import ZooError

INPUT = "input"  # what a layer's ``inputs`` call the image

# From the class or function that computes a layer to the word for it.
KINDS = {
    "Conv": "convolution",
    "conv": "convolution",
    "Convolution": "convolution",
    "ConvTranspose": "transposed convolution",
    "Linear": "linear",
    "linear": "linear",
    "BatchNorm": "batch norm",
    "FrozenBatchNorm": "batch norm",
    "SyncBatchNorm": "batch norm",
    "GroupNorm": "group norm",
    "LayerNorm": "layer norm",
    "layer_norm": "layer norm",
    "InstanceNorm": "instance norm",
    "MaxPool": "max pooling",
    "MaxPooling": "max pooling",
    "max_pool": "max pooling",
    "AvgPool": "average pooling",
    "avg_pool": "average pooling",
    "AdaptiveAvgPool": "average pooling",
    "adaptive_avg_pool": "average pooling",
    "AdaptiveMaxPool": "max pooling",
    "adaptive_max_pool": "max pooling",
    "Flatten": "flatten",
    "Unflatten": "flatten",
    "flatten": "flatten",
    "reshape": "flatten",
    "view": "flatten",
    "squeeze": "flatten",
    "unsqueeze": "flatten",
    "unflatten": "flatten",
    "permute": "permutation",
    "Permute": "permutation",
    "transpose": "permutation",
    "chunk": "splitting",
    "split": "splitting",
    "Dropout": "dropout",
    "dropout": "dropout",
    "StochasticDepth": "dropout",
    "Identity": "identity",
    "cat": "concatenation",
    "concat": "concatenation",
    "add": "addition",
    "mul": "scaling",
    "div": "scaling",
    "truediv": "scaling",
    "interpolate": "resizing",
    "Upsample": "resizing",
    "UpsamplingNearest": "resizing",
    "UpsamplingBilinear": "resizing",
    "pixel_unshuffle": "space to depth",
    "PixelUnshuffle": "space to depth",
    "pixel_shuffle": "depth to space",
    "PixelShuffle": "depth to space",
    "pad": "padding",
    "ZeroPad": "padding",
    "getitem": "cropping",
    "mean": "mean",
    "multi_head_attention_forward": "attention",
    "scaled_dot_product_attention": "attention",
    "softmax": "softmax",
    "Softmax": "softmax",
}
_ACTIVATIONS = (
    *("relu", "relu6", "gelu", "elu", "celu", "selu", "silu", "mish", "sigmoid", "tanh", "prelu"),
    *("leakyrelu", "leaky_relu", "hardtanh", "hardsigmoid", "hardswish", "softplus", "softsign"),
    *("logsigmoid", "hardshrink", "tanhshrink", "softshrink", "threshold"),
)


@dataclass(frozen=True)
class TracedLayer:
    """One layer of a network, as it ran.

    Attributes:
        name: The module's name (``"block1.conv2"``), or where a function was called and which
            (``"up.0.cat"``). A layer that runs several times, or gives several tensors, stands
            here once for each, with a number: ``"pool:1"``.
        kind: What it does, such as ``"convolution"``, ``"max pooling"`` or ``"activation"``.
        operation: The class or function that does it, such as ``"Conv2d"``.
        inputs: Names of the layers whose outputs it takes, ``"input"`` for the image.
        shape: Of its output for one image: (channels, height, width), (features,), or whatever the
            network uses; all axes but the first.
        parameters: Numbers that were learned or computed for it (weights and shifts).
    """

    name: str
    kind: str
    operation: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, eq=False)
class Call:
    """How a layer was computed.

    Attributes:
        layer: What :class:`TracedLayer` tells.
        function: The module, NumPy layer or function.
        arguments: Positional arguments; a :class:`Source` stands where a layer's output was.
        options: Keyword arguments, likewise.
        part: Which of the tensors it gives is the layer's output.
    """

    layer: TracedLayer
    function: Any
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    part: int = 0


@dataclass(frozen=True)
class Source:
    """Stands for the output of a layer among the arguments of a call."""

    name: str


class Trace:
    """One run of a network on one image, in evaluation mode.

    Made by :func:`zoo.explain.trace`. Nothing of it changes the network: the run used a copy of its
    modules that shares the weights.

    Attributes:
        network: The network: an ``nn.Module`` or a ``NumpyCNN``.
        input: float32 array (C, H, W), what the network got.
        layers: All layers in the order in which they ran.
        output: Name of the layer that gave the network's answer.
    """

    def __init__(
        self,
        network: Any,
        inputs: np.ndarray,
        calls: list[Call],
        outputs: Mapping[str, np.ndarray],
        output: str,
    ) -> None:
        self.network, self.input = network, inputs
        self.calls = {call.layer.name: call for call in calls}
        self.layers = tuple(call.layer for call in calls)
        self.output = output
        self._outputs = dict(outputs)

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a layer's output: float32 (C, H, W) or (F,); ``"input"`` gives the image.

        Raises:
            ZooError: There is no such layer.
        """
        if name == INPUT:
            return self.input
        return self._outputs[self.layer(name).name]

    def layer(self, name: str) -> TracedLayer:
        """Return a layer by its name.

        Raises:
            ZooError: There is no such layer.
        """
        if name not in self.calls:
            near = difflib.get_close_matches(name, self.calls, n=3, cutoff=0.4)
            hint = " or ".join(map(repr, near or list(self.calls)[:3]))
            raise ZooError(f"The network has no layer {name!r}; it has for example {hint}.")
        return self.calls[name].layer

    def activations(self) -> dict[str, np.ndarray]:
        """Return all outputs by layer name, in the order of computation."""
        return dict(self._outputs)

    @cached_property
    def skips(self) -> tuple[Skip, ...]:
        """The skip connections, in the order in which they join the main path."""
        return tuple(self._find_skips())

    def _find_skips(self) -> Iterator[Skip]:
        order = {INPUT: -1} | {layer.name: number for number, layer in enumerate(self.layers)}
        for layer in self.layers:
            sources = layer.inputs
            if layer.kind in ("concatenation", "addition") and len(set(sources)) > 1:
                taken = min(range(len(sources)), key=lambda i: order[sources[i]])
                yield Skip(layer.name, sources[taken], taken)


@dataclass(frozen=True)
class Skip:
    """A connection that hands an earlier output to a later layer, past those in between.

    Attributes:
        joins: Name of the layer where it joins the main path: a concatenation or an addition.
        leaves: Name of the layer whose output it hands on.
        place: Which of the joining layer's inputs it is.
    """

    joins: str
    leaves: str
    place: int


def is_module(network: Any) -> bool:
    """Say whether a network is an ``nn.Module``, without importing torch."""
    return hasattr(network, "named_modules")


def kind(operation: str) -> str:
    """Return the word for a class or function: "Conv2d" → "convolution".

    >>> [kind(name) for name in ("Conv2d", "BatchNorm2d", "LeakyReLU", "__add__", "MyLayer")]
    ['convolution', 'batch norm', 'activation', 'addition', 'MyLayer']
    """
    plain = operation.strip("_")
    base = plain.removeprefix("Lazy").rstrip("d").rstrip("123")  # Conv2d → Conv
    for name in (plain, base, base.removeprefix("i"), base.removeprefix("r")):
        if name in KINDS:
            return KINDS[name]
    return "activation" if plain.lower().rstrip("_") in _ACTIVATIONS else operation
