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

    from zoo.networks.numpy_cnn import NumpyCNN


def trace(subject: Model | Any, image: Any) -> Trace:
    """Run a network on one image and write down every layer.

    Args:
        subject: A loaded model, a bare ``NumpyCNN`` or any ``nn.Module`` that takes one tensor
            (N, C, H, W). It is run as a private copy in evaluation mode.
        image: For a model an image, as for ``model.predict``; for a bare network its input, a
            float array (or tensor) of shape (C, H, W) or (1, C, H, W).

    Raises:
        ImageError: The image cannot be used.
        ZooError: The input has no fitting shape, or the network fails on it or answers with no
            tensor that its layers computed; the message names the layer.

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


def resolve(subject: Model | Any, image: Any) -> tuple[Any, np.ndarray]:
    """Return the bare network and its input, a float32 array (1, C, H, W) of its own.

    Raises:
        ImageError: The image cannot be used.
        ZooError: The subject is no network, or the input has no fitting shape.
    """
    if isinstance(subject, Model):
        return subject.network, subject.preprocess(image)[None]
    network = bare(subject)
    inputs = floats(image)
    if inputs is None or inputs.ndim not in (3, 4) or (inputs.ndim == 4 and len(inputs) != 1):
        given = np.asarray(image) if inputs is None else inputs
        raise ZooError(
            f"A bare network takes one float array (C, H, W), not {given.dtype} {given.shape}; "
            "load the model with zoo.load to give it an image."
        )
    inputs = inputs[None] if inputs.ndim == 3 else inputs
    if not is_module(network):
        check_size(network, inputs)
    return network, inputs


def check_size(network: NumpyCNN, inputs: np.ndarray) -> None:
    """Raise a :class:`ZooError` unless inputs (N, C, H, W) have the NumPy network's size."""
    expected = (network.in_channels, network.size, network.size)
    if inputs.shape[1:] != expected:
        raise ZooError(f"This network takes inputs of {expected}, not {inputs.shape[1:]}.")


def bare(subject: Model | Any) -> Any:
    """Return the bare network.

    Raises:
        ZooError: The subject is neither a model nor a network.
    """
    network = subject.network if isinstance(subject, Model) else subject
    if is_module(network) or hasattr(network, "to_torch"):
        return network
    raise ZooError(
        "What can be explained is a loaded model, a NumpyCNN or an nn.Module, not "
        f"{type(subject).__name__}."
    )


def module(subject: Model | Any) -> Module:
    """Return a subject's ``nn.Module``; for a NumPy network its PyTorch twin."""
    network = bare(subject)
    return network if is_module(network) else network.to_torch()


def floats(values: Any) -> np.ndarray | None:
    """Return an array or a tensor as float32 of its own; None if it does not hold floats."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = (values.float() if values.is_floating_point() else values).numpy()
    array = np.asarray(values)
    return np.array(array, dtype=np.float32, order="C") if array.dtype.kind == "f" else None
