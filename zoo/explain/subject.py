"""From what a caller hands in to a bare network and its input, and to one traced run of it.

The functions of :mod:`zoo.explain` take a loaded model and an image, or any ``nn.Module`` (or the
``NumpyCNN``) and its input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import ZooError
from zoo.graph.layers import Trace, TracedLayer, is_module
from zoo.graph.trace import trace_network
from zoo.models import Model

if TYPE_CHECKING:
    from torch.nn import Module


def trace(subject: Model | Any, image: Any) -> Trace:
    """Run a network on one image and write down every layer.

    Args:
        subject: A loaded model, a bare ``NumpyCNN`` or any ``nn.Module`` that takes one tensor
            (N, C, H, W).
        image: For a model an image, as for ``model.predict``; for a bare network its input, a
            float array (or tensor) of shape (C, H, W) or (1, C, H, W).

    Raises:
        ImageError: The image cannot be used.
        ZooError: The input has no fitting shape.

    Example:
        >>> import numpy as np
        >>> from zoo.networks.numpy_cnn import NumpyCNN
        >>> run = trace(NumpyCNN(channels=(4, 8)), np.zeros((1, 28, 28), np.float32))
        >>> [(layer.name, layer.shape) for layer in run.layers][:2]
        [('conv1', (4, 24, 24)), ('pool1', (4, 12, 12))]
    """
    return trace_network(*resolve(subject, image))


def layers(subject: Model | Any, image: Any) -> tuple[TracedLayer, ...]:
    """Return the layers of a network in the order in which they run; see :func:`trace`.

    The image matters where its size does: a U-Net takes any.
    """
    return trace(subject, image).layers


def resolve(subject: Model | Any, image: Any) -> tuple[Any, np.ndarray, str]:
    """Return the bare network, its input as float32 (1, C, H, W), and the device it is on."""
    if isinstance(subject, Model):
        return subject.network, subject.preprocess(image)[None], subject.device
    device = "cpu"
    if is_module(subject):
        first = next((p for p in subject.parameters()), None)
        device = str(first.device) if first is not None else "cpu"
    value = image.detach().cpu().numpy() if hasattr(image, "detach") else image
    inputs = np.asarray(value)
    if inputs.ndim == 3:
        inputs = inputs[None]
    if inputs.ndim != 4 or len(inputs) != 1 or inputs.dtype.kind != "f":
        raise ZooError(
            f"A bare network takes one float array (C, H, W), not {inputs.dtype} {inputs.shape}; "
            "load the model with zoo.load to give it an image."
        )
    return subject, np.ascontiguousarray(inputs, dtype=np.float32), device


def module_of(subject: Any, image: Any) -> tuple[Module, np.ndarray, str]:
    """Return a subject's ``nn.Module``, its input (1, C, H, W) and its device.

    The NumPy network is represented by its PyTorch twin.
    """
    network, inputs, device = resolve(subject, image)
    return (network if is_module(network) else twin(network)), inputs, device


def twin(network: Any) -> Module:
    """Return the PyTorch twin of a NumPy network (a copy of its weights), in evaluation mode."""
    return network.to_torch().eval()
