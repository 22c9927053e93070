"""Convolution by im2col: gather every patch as a column, then one matrix product."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from zoo.networks.numpy_cnn.layer import Array, Layer, require_forward
from zoo.networks.numpy_cnn.parallel import multiply, multiply_transposed, over_channels


class Convolution(Layer):
    """2-D convolution (cross-correlation, as in every deep learning framework).

    y[o, i, j] = b[o] + Σ_c Σ_u Σ_v W[o, c, u, v] · x[c, s·i + u, s·j + v]
    (Goodfellow, Bengio & Courville 2016, eq. 9.6 and 9.8; x is zero-padded by p on each side).

    With ``cols`` the matrix that holds the C·k·k numbers of every patch as a column (Chellapilla
    et al. 2006), all three passes are matrix products:

    - forward        y     = W · cols + b
    - backward       dW    = dy · colsᵀ,  db = Σ dy
    -                dcols = Wᵀ · dy,  and dx adds each patch back where it came from (col2im).

    Args:
        in_channels, out_channels: C and O.
        kernel: k, the side of the square kernel.
        stride: s.
        padding: p, zeros added on every side.
        bias: whether there is a b; useless in front of BatchNorm, which subtracts it again.
        rng: source of the initial weights, He et al. 2015, eq. 10: N(0, √(2 / (C·k·k))).
        needs_dx: False for a network's first layer: nobody wants ∂L/∂image.

    Shapes: x (C, H, W, N) → y (O, H', W', N), H' = ⌊(H + 2p − k) / s⌋ + 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        bias: bool = False,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float32,
        needs_dx: bool = True,
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding
        self.needs_dx = needs_dx
        shape = (out_channels, in_channels, kernel, kernel)
        deviation = np.sqrt(2 / (in_channels * kernel * kernel))
        self.parameters["weight"] = (rng.standard_normal(shape) * deviation).astype(dtype)
        if bias:
            self.parameters["bias"] = np.zeros(out_channels, dtype)
        self._cols: Array | None = None
        self._input_shape: tuple[int, ...] = ()

    def output_size(self, size: int) -> int:
        """Return H' for an input H (or W' for W)."""
        return (size + 2 * self.padding - self.kernel) // self.stride + 1

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return y (O, H', W', N) for x (C, H, W, N).

        Raises:
            ValueError: if x has another number of channels, or is smaller than the kernel.
        """
        weight = self.parameters["weight"]
        channels, height, width, batch = x.shape
        out = (self.output_size(height), self.output_size(width))
        if channels != weight.shape[1] or min(out) < 1:
            raise ValueError(
                f"This convolution takes {weight.shape[1]} channels of at least "
                f"{self.kernel}x{self.kernel} pixels, not {x.shape[:3]}."
            )
        cols = self._im2col(x, out, training)
        y = self._memory("y", (len(weight), *out, batch), weight.dtype, training)
        multiply(weight.reshape(len(weight), -1), cols, out=y.reshape(len(weight), -1))
        if "bias" in self.parameters:
            y += self.parameters["bias"][:, None, None, None]
        if training:
            self._cols, self._input_shape = cols, x.shape
        return y

    def backward(self, dy: Array) -> Array | None:
        """Return dx (C, H, W, N), or None without ``needs_dx``; dy is (O, H', W', N)."""
        cols = require_forward(self._cols)
        weight = self.parameters["weight"]
        rows = dy.reshape(len(weight), -1)
        self.gradients["weight"] = multiply_transposed(rows, cols).reshape(weight.shape)
        if "bias" in self.parameters:
            self.gradients["bias"] = rows.sum(axis=1)
        if not self.needs_dx:
            return None
        # dcols = Wᵀ · dy; cols itself is not needed any more, so its memory takes the result.
        multiply(weight.reshape(len(weight), -1).T, rows, out=cols)
        return self._col2im(cols, dy.shape[1:3])

    def _im2col(self, x: Array, out: tuple[int, int], keep: bool) -> Array:
        """Return cols (C·k·k, H'·W'·N): column (i, j, n) is the patch that y[:, i, j, n] sees."""
        channels, _, _, batch = x.shape
        k = self.kernel
        cols = self._memory("cols", (channels, k, k, *out, batch), x.dtype, keep)
        taps = list(self._taps(x.shape, out))

        def gather(tile: slice) -> None:
            for u, v, to_rows, to_columns, rows, columns in taps:
                tap = cols[tile, u, v]
                tap[:, to_rows, to_columns] = x[tile, rows, columns]
                # Where this element of the kernel lies outside the picture it meets a zero.
                tap[:, : to_rows.start] = 0
                tap[:, to_rows.stop :] = 0
                tap[:, to_rows, : to_columns.start] = 0
                tap[:, to_rows, to_columns.stop :] = 0

        over_channels(gather, channels, cols[0].size)
        return cols.reshape(channels * k * k, -1)

    def _col2im(self, dcols: Array, out: tuple[int, int]) -> Array:
        """Return dx (C, H, W, N): every column added back onto the patch it came from."""
        channels, _, _, batch = self._input_shape
        patches = dcols.reshape(channels, self.kernel, self.kernel, *out, batch)
        dx = self._memory("dx", self._input_shape, dcols.dtype, True)
        taps = list(self._taps(self._input_shape, out))

        def scatter(tile: slice) -> None:
            dx[tile] = 0
            for u, v, to_rows, to_columns, rows, columns in taps:
                dx[tile, rows, columns] += patches[tile, u, v, to_rows, to_columns]

        over_channels(scatter, channels, patches[0].size)
        return dx

    def _taps(
        self, input_shape: tuple[int, ...], out: tuple[int, int]
    ) -> Iterator[tuple[int, int, slice, slice, slice, slice]]:
        """Yield (u, v, output rows, output columns, input rows, input columns).

        Output position i meets kernel element u at input position s·i + u − p; only positions
        inside the picture are listed, so that the padding never has to exist in memory.
        """
        for u in range(self.kernel):
            to_rows, rows = self._overlap(u, input_shape[1], out[0])
            for v in range(self.kernel):
                to_columns, columns = self._overlap(v, input_shape[2], out[1])
                yield u, v, to_rows, to_columns, rows, columns

    def _overlap(self, u: int, size: int, out: int) -> tuple[slice, slice]:
        """Return the output positions i with 0 ≤ s·i + u − p < size, and those input positions."""
        s, offset = self.stride, u - self.padding
        first = max(0, -(offset // s))  # ⌈−offset / s⌉
        last = max(first, min(out, (size - 1 - offset) // s + 1))
        start = s * first + offset
        return slice(first, last), slice(start, start + s * (last - first), s)
