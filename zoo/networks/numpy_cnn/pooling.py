"""Max pooling: keep the strongest response of every window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
        self._winner: NDArray[np.uint8] | None = None
        self._input_shape: tuple[int, ...] = ()

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y (C, ⌊H/k⌋, ⌊W/k⌋, N); with ``training`` each window's winner is kept.

        Raises:
            ValueError: if x is smaller than the window.
        """
        k = self.kernel
        channels, height, width, batch = x.shape
        shape = (channels, height // k, width // k, batch)
        if min(shape) < 1:
            raise ValueError(f"Pooling takes at least {k}x{k} pixels, not {x.shape[1:3]}.")
        y = self._memory("y", shape, x.dtype, training)
        winner = self._memory("winner", shape, np.uint8, True) if training else None

        def pool(tile: slice) -> None:
            first, *others = self._corners(x[tile], shape)
            best = y[tile]
            best[...] = first
            if winner is not None:
                winner[tile] = 0
            for number, corner in enumerate(others, start=1):
                if winner is not None:
                    # Strictly greater: among equals the first one stays the winner.
                    better = (corner > best).view(np.uint8)
                    better *= np.uint8(number)
                    np.maximum(winner[tile], better, out=winner[tile])
                np.maximum(best, corner, out=best)

        over_channels(pool, channels, x[0].size)
        if training:
            self._winner, self._input_shape = winner, x.shape
        return y

    def backward(self, dy: Array) -> Array:
        """Return dx (C, H, W, N): dy at the winners, zero elsewhere."""
        winner = require_forward(self._winner)
        dx = self._memory("dx", self._input_shape, dy.dtype, True)

        def scatter(tile: slice) -> None:
            if any(size % self.kernel for size in self._input_shape[1:3]):
                dx[tile] = 0  # the strip that no window covers
            for number, corner in enumerate(self._corners(dx[tile], dy.shape)):
                np.multiply(dy[tile], winner[tile] == number, out=corner)

        over_channels(scatter, len(dy), dx[0].size)
        return dx

    def _corners(self, x: Array, shape: tuple[int, ...]) -> list[Array]:
        """Return k·k views of x; view u·k + v holds element (u, v) of every window."""
        k, rows, columns = self.kernel, *shape[1:3]
        return [x[:, u : k * rows : k, v : k * columns : k] for u in range(k) for v in range(k)]
