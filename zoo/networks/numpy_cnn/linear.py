"""The linear (fully connected) layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from zoo.networks.numpy_cnn.layer import Array, Layer, require_forward


class Linear(Layer):
    """y = W x + b for every column x of the batch.

    Backward: dW = dy · xᵀ, db = Σ dy, dx = Wᵀ · dy (Goodfellow et al. 2016, §6.5).

    Shapes: x (F, N) → y (K, N); W is (K, F), as in PyTorch.

    Args:
        in_features, out_features: F and K.
        rng: source of the initial weights, uniform in ±1/√F as in PyTorch; None leaves them
            undefined.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        rng: np.random.Generator | None,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        bound = 1 / np.sqrt(in_features)
        for name, shape in (("weight", (out_features, in_features)), ("bias", (out_features,))):
            if rng is None:
                self.parameters[name] = np.empty(shape, dtype)
            else:
                self.parameters[name] = rng.uniform(-bound, bound, shape).astype(dtype)
        self._x: Array | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y (K, N) for x (F, N).

        Raises:
            ValueError: if x has another number of features.
        """
        weight = self.parameters["weight"]
        if x.shape[0] != weight.shape[1]:
            raise ValueError(f"This layer takes {weight.shape[1]} features, not {x.shape[0]}.")
        if training:
            self._x = x
        return weight @ x + self.parameters["bias"][:, None]

    def backward(self, dy: Array) -> Array:
        """Return dx (F, N) for dy (K, N)."""
        self.gradients["weight"] = dy @ require_forward(self._x).T
        self.gradients["bias"] = dy.sum(axis=1)
        return self.parameters["weight"].T @ dy
