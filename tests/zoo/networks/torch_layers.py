"""The PyTorch counterpart of each NumPy layer, for parity tests."""

from __future__ import annotations

from torch import nn

from zoo.networks.numpy_cnn.activation import Flatten, ReLU
from zoo.networks.numpy_cnn.batch_normalization import BatchNorm
from zoo.networks.numpy_cnn.convolution import Convolution
from zoo.networks.numpy_cnn.dropout import Dropout
from zoo.networks.numpy_cnn.group_normalization import GroupNorm
from zoo.networks.numpy_cnn.layer import Layer
from zoo.networks.numpy_cnn.linear import Linear
from zoo.networks.numpy_cnn.pooling import MaxPooling


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
