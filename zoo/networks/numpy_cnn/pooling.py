"""Max pooling: keep the strongest response of every window."""

from __future__ import annotations

import numpy as np

from zoo.networks.numpy_cnn.layer import Array, Layer, require_forward
from zoo.networks.numpy_cnn.parallel import over_channels


class MaxPooling(Layer):
    """Maximum of every k×k window, windows side by side (stride k); what is left over is cut off.

    y[c, i, j] = max over 0 ≤ u, v < k of x[c, k·i + u, k·j + v]   (Goodfellow et al. 2016, §9.3)

    The gradient goes to the pixel that won: ∂y/∂x is 1 there and 0 elsewhere. Among equal pixels
    the first one (row by row) wins, as in PyTorch. Ties are common: MNIST's background is flat.

    Shapes: x (C, H, W, N) → y (C, ⌊H/k⌋, ⌊W/k⌋, N).
    """

    def __init__(self, kernel: int = 2) -> None:
        super().__init__()
        self.kernel = kernel
        self._x: Array | None = None
        self._y: Array | None = None

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y (C, ⌊H/k⌋, ⌊W/k⌋, N).

        Raises:
            ValueError: if x is smaller than the window.
        """
        k = self.kernel
        channels, height, width, batch = x.shape
        shape = (channels, height // k, width // k, batch)
        if min(shape) < 1:
            raise ValueError(f"Pooling takes at least {k}x{k} pixels, not {x.shape[1:3]}.")
        y = self._memory("y", shape, x.dtype, training)

        def pool(tile: slice) -> None:
            first, second, *others = self._corners(x[tile], shape)
            np.maximum(first, second, out=y[tile])
            for corner in others:
                np.maximum(y[tile], corner, out=y[tile])

        over_channels(pool, channels, x[0].size)
        if training:
            self._x, self._y = x, y
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx (C, H, W, N): dy at the winners, zero elsewhere."""
        x, y = require_forward(self._x), require_forward(self._y)
        dx = self._memory("dx", x.shape, dy.dtype, True)

        def scatter(tile: slice) -> None:
            if any(size % self.kernel for size in x.shape[1:3]):
                dx[tile] = 0  # the strip that no window covers
            taken = None  # windows whose winner is found
            corners = self._corners(x[tile], dy.shape)
            for corner, out in zip(corners, self._corners(dx[tile], dy.shape), strict=True):
                won = corner == y[tile]
                if taken is None:
                    taken = won
                else:
                    won &= ~taken
                    taken |= won
                np.multiply(dy[tile], won, out=out)

        over_channels(scatter, len(dy), x[0].size)
        return dx

    def _corners(self, x: Array, shape: tuple[int, ...]) -> list[Array]:
        """Return k·k views of x; view u·k + v holds element (u, v) of every window."""
        k, rows, columns = self.kernel, *shape[1:3]
        return [x[:, u : k * rows : k, v : k * columns : k] for u in range(k) for v in range(k)]
