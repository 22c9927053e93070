"""Group normalization: Wu & He 2018. It looks at one image at a time, whatever the batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from zoo.networks.numpy_cnn.layer import Array, Layer, require_forward
from zoo.networks.numpy_cnn.parallel import over_channels


class GroupNorm(Layer):
    """Normalize every image over groups of channels and space, then scale by γ and shift by β.

    Wu & He 2018, eq. 1, 2 and 7: as BatchNorm, but μ and σ² are taken of one image's m = C/G·H·W
    values in a group of C/G channels, and γ and β stay one number a channel:

        μ = (1/m) Σ x,   σ² = (1/m) Σ (x − μ)²,   x̂ = (x − μ) / √(σ² + ε),   y = γ x̂ + β

    No image depends on another, so that there are no running statistics, and evaluation does
    exactly what training does. PyTorch's conventions (``nn.GroupNorm``): the biased variance, ε
    inside the root.

    Shapes: x and y are (C, H, W, N) or (C, N).

    Args:
        groups: G, a divisor of C.
        channels: C.
        eps: ε, keeps a group of constant value from dividing by zero.

    Raises:
        ValueError: if the channels do not split into so many equal groups.
    """

    def __init__(
        self, groups: int, channels: int, *, eps: float = 1e-5, dtype: DTypeLike = np.float32
    ) -> None:
        super().__init__()
        if groups < 1 or channels % groups:
            raise ValueError(f"{channels} channels do not split into {groups} equal groups.")
        self.groups, self.eps = groups, eps
        self.parameters["weight"] = np.ones(channels, dtype)  # γ
        self.parameters["bias"] = np.zeros(channels, dtype)  # β
        self._normalized: Array | None = None
        self._inverse_std: Array | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y, of x's shape; with ``training`` what `backward` needs is kept.

        Raises:
            ValueError: if x has another number of channels.
        """
        gamma, beta = self.parameters["weight"], self.parameters["bias"]
        if len(x) != len(gamma):
            raise ValueError(f"This layer takes {len(gamma)} channels, not {len(x)}.")
        grouped = x.reshape(self.groups, -1, x.shape[-1])  # (G, m, N)
        groups, m, images = grouped.shape
        normalized = self._memory("normalized", grouped.shape, x.dtype, training)
        inverse_std = np.empty((groups, images), x.dtype)

        def normalize(tile: slice) -> None:
            mean = grouped[tile].mean(axis=1, keepdims=True)  # μ
            centered = np.subtract(grouped[tile], mean, out=normalized[tile])
            variance = column_products(centered, centered) / m  # σ², biased
            inverse_std[tile] = 1 / np.sqrt(variance + self.eps)
            centered *= inverse_std[tile, None]  # x̂

        over_channels(normalize, groups, m * images)
        y = self._memory("y", x.shape, x.dtype, training)
        rows, y_rows = normalized.reshape(len(x), -1), y.reshape(len(x), -1)

        def scale(tile: slice) -> None:
            np.multiply(rows[tile], gamma[tile, None], out=y_rows[tile])
            y_rows[tile] += beta[tile, None]  # y = γ x̂ + β

        over_channels(scale, *rows.shape)
        if training:
            self._normalized, self._inverse_std = normalized, inverse_std
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx. With dx̂ = γ dy and sums over the m values of an image's group:

            dβ = Σ dy,   dγ = Σ dy · x̂   (over batch and space)
            dx = 1/√(σ² + ε) · (dx̂ − (1/m) Σ dx̂ − x̂ · (1/m) Σ dx̂ · x̂)

        the rule of BatchNorm (Ioffe & Szegedy 2015, section 3) with other sums; γ differs within
        a group, so that it stands inside them.
        """
        normalized = require_forward(self._normalized)
        inverse_std = require_forward(self._inverse_std)
        gamma = self.parameters["weight"]
        rows, dy_rows = normalized.reshape(len(gamma), -1), dy.reshape(len(gamma), -1)
        dgamma, dbeta = np.empty_like(gamma), np.empty_like(gamma)
        dx = self._memory("dx", dy.shape, dy.dtype, True)
        dx_rows, dx_grouped = dx.reshape(rows.shape), dx.reshape(normalized.shape)
        groups, m, images = normalized.shape

        def differentiate_affine(tile: slice) -> None:
            dbeta[tile] = dy_rows[tile].sum(axis=1)
            dgamma[tile] = np.einsum("ij,ij->i", dy_rows[tile], rows[tile])
            np.multiply(dy_rows[tile], gamma[tile, None], out=dx_rows[tile])  # dx̂

        def differentiate(tile: slice) -> None:
            out, x_hat = dx_grouped[tile], normalized[tile]
            product = column_products(out, x_hat)[:, None] / m
            out -= out.mean(axis=1, keepdims=True)
            out -= x_hat * product
            out *= inverse_std[tile, None]

        over_channels(differentiate_affine, *rows.shape)
        over_channels(differentiate, groups, m * images)
        self.gradients["weight"], self.gradients["bias"] = dgamma, dbeta
        return dx


def column_products(a: Array, b: Array) -> Array:
    """Return Σ_j a[g, j, n] · b[g, j, n] for each group and image, (G, N)."""
    return np.einsum("gjn,gjn->gn", a, b)
