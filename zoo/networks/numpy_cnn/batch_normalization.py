"""Batch normalization: Ioffe & Szegedy 2015, with PyTorch's conventions for the statistics."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from zoo.networks.numpy_cnn.layer import Array, Layer, require_forward
from zoo.networks.numpy_cnn.parallel import over_channels


class BatchNorm(Layer):
    """Normalize every channel over batch and space, then scale by γ and shift by β.

    Algorithm 1 of Ioffe & Szegedy 2015, with m = H·W·N values in a channel:

        μ = (1/m) Σ x,   σ² = (1/m) Σ (x − μ)²,   x̂ = (x − μ) / √(σ² + ε),   y = γ x̂ + β

    Evaluation uses running statistics instead of μ and σ² (Algorithm 2). PyTorch's conventions,
    which a test checks: the *biased* variance (divided by m) normalizes, the *unbiased* one
    (divided by m − 1) is stored; running ← (1 − momentum) · running + momentum · new, so that
    ``momentum`` weighs the new value.

    Shapes: x and y are (C, H, W, N) or (C, N).

    Args:
        channels: C.
        eps: ε, keeps a channel of constant value from dividing by zero.
        momentum: weight of the newest batch in the running statistics.
    """

    def __init__(
        self,
        channels: int,
        *,
        eps: float = 1e-5,
        momentum: float = 0.1,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.parameters["weight"] = np.ones(channels, dtype)  # γ
        self.parameters["bias"] = np.zeros(channels, dtype)  # β
        self.buffers["running_mean"] = np.zeros(channels, dtype)
        self.buffers["running_var"] = np.ones(channels, dtype)
        self.buffers["num_batches_tracked"] = np.zeros((), np.int64)
        self._normalized: Array | None = None
        self._inverse_std: Array | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y; with ``training`` from the batch's statistics, which update the running ones.

        Raises:
            ValueError: in training with a single value a channel: it has no variance.
        """
        rows = x.reshape(x.shape[0], -1)  # one row a channel
        if not training:
            scale, shift = self.affine()
            return (rows * scale[:, None] + shift[:, None]).reshape(x.shape)
        m = rows.shape[1]
        if m < 2:
            raise ValueError("BatchNorm needs more than one value a channel to train.")
        normalized = self._memory("normalized", rows.shape, x.dtype, True)
        y = self._memory("y", x.shape, x.dtype, True)
        y_rows = y.reshape(rows.shape)
        mean, variance = np.empty(len(rows), x.dtype), np.empty(len(rows), x.dtype)
        gamma, beta = self.parameters["weight"], self.parameters["bias"]

        def normalize(tile: slice) -> None:
            mean[tile] = rows[tile].mean(axis=1)  # μ
            centered = np.subtract(rows[tile], mean[tile, None], out=normalized[tile])
            variance[tile] = row_products(centered, centered) / m  # σ², biased
            centered *= (1 / np.sqrt(variance[tile] + self.eps))[:, None]  # x̂
            np.multiply(centered, gamma[tile, None], out=y_rows[tile])
            y_rows[tile] += beta[tile, None]  # y = γ x̂ + β

        over_channels(normalize, len(rows), m)
        self._update_running(mean, variance * (m / (m - 1)))
        self._normalized = normalized
        self._inverse_std = 1 / np.sqrt(variance + self.eps)
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx, by the chain rule of Ioffe & Szegedy 2015, section 3, simplified.

            dβ = Σ dy,   dγ = Σ dy · x̂,   dx = γ / √(σ² + ε) · (dy − dβ / m − x̂ · dγ / m)

        The two subtracted terms are there because μ and σ² depend on every x of the batch.
        """
        normalized = require_forward(self._normalized)
        inverse_std = require_forward(self._inverse_std)
        rows = dy.reshape(len(normalized), -1)
        m = rows.shape[1]
        gamma = self.parameters["weight"]
        dgamma, dbeta = np.empty_like(gamma), np.empty_like(gamma)
        dx = self._memory("dx", dy.shape, dy.dtype, True)
        dx_rows = dx.reshape(rows.shape)

        def differentiate(tile: slice) -> None:
            dbeta[tile] = rows[tile].sum(axis=1)
            dgamma[tile] = row_products(rows[tile], normalized[tile])
            out = np.multiply(normalized[tile], (-dgamma[tile] / m)[:, None], out=dx_rows[tile])
            out += rows[tile]
            out -= (dbeta[tile] / m)[:, None]
            out *= (gamma[tile] * inverse_std[tile])[:, None]

        over_channels(differentiate, len(rows), m)
        self.gradients["weight"], self.gradients["bias"] = dgamma, dbeta
        return dx

    def affine(self) -> tuple[Array, Array]:
        """Return (scale, shift), each (C,), so that evaluation is y = scale · x + shift.

        With scale = γ / √(σ² + ε) and shift = β − μ · scale, BatchNorm in evaluation mode is a
        fixed affine map, which can be folded into the convolution before it.
        """
        std = np.sqrt(self.buffers["running_var"] + self.eps)
        scale = self.parameters["weight"] / std
        return scale, self.parameters["bias"] - self.buffers["running_mean"] * scale

    def _update_running(self, mean: Array, unbiased_variance: Array) -> None:
        for name, new in (("running_mean", mean), ("running_var", unbiased_variance)):
            running = self.buffers[name]
            running *= 1 - self.momentum
            running += self.momentum * new
        self.buffers["num_batches_tracked"] += 1


def row_products(a: Array, b: Array) -> Array:
    """Return Σ_j a[i, j] · b[i, j] for each row i, without writing the products to memory."""
    return np.einsum("ij,ij->i", a, b)
