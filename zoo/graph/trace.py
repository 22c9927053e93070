"""Run a network once on one image and write down every layer: what it took, what it answered.

Tracing works for the NumPy network and for any ``nn.Module``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.graph.layers import INPUT, Call, Source, Trace, TracedLayer, is_module, kind

if TYPE_CHECKING:
    from zoo.networks.numpy_cnn import NumpyCNN


def trace_network(network: Any, inputs: np.ndarray) -> Trace:
    """Run a bare network on one image and write down every layer.

    Args:
        network: A ``NumpyCNN`` or any ``nn.Module`` that takes one tensor (N, C, H, W).
        inputs: float32 (1, C, H, W), the network's input.

    Raises:
        ZooError: The network fails on this input, cannot be copied, or answers with no tensor that
            its layers computed from the input.
    """
    if is_module(network):
        from zoo.graph.torch_trace import trace_module

        return trace_module(network, inputs)
    return _trace_numpy(network, inputs)


def _trace_numpy(network: NumpyCNN, inputs: np.ndarray) -> Trace:
    """Trace the NumPy network: its layers are a chain; those that change nothing are left out."""
    found = network.activations(inputs)
    calls: list[Call] = []
    outputs: dict[str, np.ndarray] = {}
    before = INPUT
    for name, value in found.items():
        function = network.layers[name]
        operation = type(function).__name__
        outputs[name] = np.asarray(value, dtype=np.float32)[0]
        size = sum(array.size for array in function.parameters.values())
        layer = TracedLayer(name, kind(operation), operation, (before,), outputs[name].shape, size)
        calls.append(Call(layer, function, (Source(before),)))
        before = name
    return Trace(network, inputs[0].copy(), calls, outputs, before)
