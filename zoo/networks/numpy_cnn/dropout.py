"""Dropout: switch off random features in training, so that none can rely on another."""

from __future__ import annotations

import numpy as np

from zoo.networks.numpy_cnn.layer import Array, Layer, require_forward


class Dropout(Layer):
    """Set each value to zero with probability p and divide the others by 1 − p.

    Srivastava et al. 2014, section 4, in the "inverted" form: the division keeps the expected
    value, so that evaluation is the identity. Any shape.

    Args:
        probability: p, from 0 (off) to below 1.
        rng: source of the masks; its state is part of a training checkpoint.
    """

    def __init__(self, probability: float, rng: np.random.Generator) -> None:
        super().__init__()
        if not 0 <= probability < 1:
            raise ValueError(f"The dropout probability must be in [0, 1), not {probability}.")
        self.probability, self.rng = probability, rng
        self._mask: Array | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y, of x's shape; x itself in evaluation."""
        if not training:
            return x
        keep = self.rng.random(x.shape, dtype=np.float32) >= self.probability
        self._mask = keep.astype(x.dtype) / x.dtype.type(1 - self.probability)
        return x * self._mask

    def backward(self, dy: Array) -> Array:
        """Return dx = dy · mask."""
        return dy * require_forward(self._mask)
