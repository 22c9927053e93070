"""A convolutional network from scratch: every forward and backward pass, in NumPy alone.

Read in this order: `layer` (what all layers have in common), `convolution`, `pooling`,
`batch_normalization` (and what may stand in its place, `group_normalization`,
`layer_normalization`), `activation`, `dropout`, `linear` (the layers), `loss`, `optimizers`,
`schedules` (how it learns), `network` (how the layers are put together), `parallel` (how it uses
all cores). `NumpyCNN.to_torch` gives the same network as a ``torch.nn.Module``, which
`zoo.networks.stand_alone.digit_cnn` builds.

**Notation.** x is a layer's input, y its output, L the loss. A gradient is written with a
leading d: dx = ∂L/∂x has the shape of x. A layer's ``backward(dy)`` returns dx and leaves the
gradients of its parameters in ``layer.gradients``.

**Layout.** Images enter and leave the network as (N, C, H, W), as in PyTorch. Between the
layers they are (C, H, W, N): *the batch is the innermost axis*, as in cuda-convnet
(Krizhevsky 2014). That is why NumPy can keep up with a compiled framework:

- im2col copies runs of W·N adjacent numbers instead of W;
- the matrix product W·cols gives the output in place, with no transposition after it;
- a channel is one contiguous row, so that BatchNorm's sums and ReLU run over long rows;
- the four corners of a 2×2 pooling window are four slices whose innermost axis is contiguous.
"""

from zoo.networks.numpy_cnn.activation import Flatten, ReLU
from zoo.networks.numpy_cnn.batch_normalization import BatchNorm
from zoo.networks.numpy_cnn.convolution import Convolution
from zoo.networks.numpy_cnn.dropout import Dropout
from zoo.networks.numpy_cnn.group_normalization import GroupNorm
from zoo.networks.numpy_cnn.layer import Layer
from zoo.networks.numpy_cnn.layer_normalization import LayerNorm
from zoo.networks.numpy_cnn.linear import Linear
from zoo.networks.numpy_cnn.loss import softmax_cross_entropy
from zoo.networks.numpy_cnn.network import NumpyCNN
from zoo.networks.numpy_cnn.optimizers import SGD, Adam, Optimizer
from zoo.networks.numpy_cnn.pooling import MaxPooling
from zoo.networks.numpy_cnn.schedules import warmup_cosine

__all__ = [
    "SGD",
    "Adam",
    "BatchNorm",
    "Convolution",
    "Dropout",
    "Flatten",
    "GroupNorm",
    "Layer",
    "LayerNorm",
    "Linear",
    "MaxPooling",
    "NumpyCNN",
    "Optimizer",
    "ReLU",
    "softmax_cross_entropy",
    "warmup_cosine",
]
