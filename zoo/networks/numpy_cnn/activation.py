"""ReLU, and the flattening between the convolutions and the classifier."""

from __future__ import annotations

import numpy as np

from zoo.networks.numpy_cnn.layer import Array, Layer, require_forward
from zoo.networks.numpy_cnn.parallel import over_channels


class ReLU(Layer):
    """y = max(x, 0): the rectified linear unit (Nair & Hinton 2010).

    ∂y/∂x is 1 where x > 0 and 0 elsewhere (at x = 0 too, as in PyTorch). Any shape.
    """

    def __init__(self) -> None:
        super().__init__()
        self._y: Array | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y, of x's shape."""
        y = self._memory("y", x.shape, x.dtype, training)

        def rectify(tile: slice) -> None:
            np.maximum(x[tile], 0, out=y[tile])

        over_channels(rectify, len(x), x[0].size)
        if training:
            self._y = y
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx = dy where y > 0, else 0; written over dy."""
        y = require_forward(self._y)

        def mask(tile: slice) -> None:
            # y is never negative, so that its sign is exactly the 0/1 mask, and already a float.
            dy[tile] *= np.sign(y[tile])

        over_channels(mask, len(dy), dy[0].size)
        return dy


class Flatten(Layer):
    """(C, H, W, N) → (C·H·W, N): one column of features an image, in PyTorch's order."""

    def __init__(self) -> None:
        super().__init__()
        self._shape: tuple[int, ...] | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return x as (C·H·W, N)."""
        if training:
            self._shape = x.shape
        return x.reshape(-1, x.shape[-1])

    def backward(self, dy: Array) -> Array:
        """Return dy in the shape that x had."""
        return dy.reshape(require_forward(self._shape))
