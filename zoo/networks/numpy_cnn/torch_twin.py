"""The NumPy network as a ``torch.nn.Module``: how it runs on a GPU, and how it is checked."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import torch
from torch import nn

from zoo.networks.numpy_cnn.activation import Flatten, ReLU
from zoo.networks.numpy_cnn.batch_norm import BatchNorm
from zoo.networks.numpy_cnn.convolution import Convolution
from zoo.networks.numpy_cnn.dropout import Dropout
from zoo.networks.numpy_cnn.group_norm import GroupNorm
from zoo.networks.numpy_cnn.layer import Layer
from zoo.networks.numpy_cnn.linear import Linear
from zoo.networks.numpy_cnn.pooling import MaxPooling

if TYPE_CHECKING:
    from zoo.networks.numpy_cnn.network import NumpyCNN


def to_torch(network: NumpyCNN) -> nn.Module:
    """Return an ``nn.Sequential`` with the layers' names and a copy of their weights, in eval mode.

    Its ``state_dict`` has the names of the NumPy network's, so that the same safetensors file
    loads into both. It takes (N, C, H, W) pictures and gives (N, K) logits, as the original.
    """
    twin = nn.Sequential(
        OrderedDict((name, layer_to_torch(layer)) for name, layer in network.layers.items())
    )
    state = {name: torch.from_numpy(array) for name, array in network.state_dict().items()}
    twin.to(dtype=torch.from_numpy(network.parameters["linear.bias"]).dtype)
    twin.load_state_dict(state, strict=True)
    return twin.eval()


def layer_to_torch(layer: Layer) -> nn.Module:
    """Return the PyTorch counterpart of one layer, with fresh weights.

    Raises:
        TypeError: if the layer has none.
    """
    weight = layer.parameters.get("weight")
    match layer:
        case Convolution() if weight is not None:
            out_channels, in_channels, kernel, _ = weight.shape
            bias = "bias" in layer.parameters
            return nn.Conv2d(
                in_channels, out_channels, kernel, layer.stride, layer.padding, bias=bias
            )
        case BatchNorm() if weight is not None:
            return nn.BatchNorm2d(len(weight), eps=layer.eps, momentum=layer.momentum)
        case GroupNorm() if weight is not None:  # LayerNorm is one with a single group
            return nn.GroupNorm(layer.groups, len(weight), eps=layer.eps)
        case Linear() if weight is not None:
            return nn.Linear(weight.shape[1], weight.shape[0])
        case MaxPooling():
            return nn.MaxPool2d(layer.kernel)
        case ReLU():
            return nn.ReLU()
        case Flatten():
            return nn.Flatten()
        case Dropout():
            return nn.Dropout(layer.probability)
    raise TypeError(f"No torch counterpart is known for {type(layer).__name__}.")
