"""Convolution by im2col: gather patches as columns, then multiply matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from zoo.networks.numpy_cnn import batched_products
from zoo.networks.numpy_cnn.batched_products import LEAST_BATCH, overlap
from zoo.networks.numpy_cnn.layer import Array, Layer, require_forward
from zoo.networks.numpy_cnn.parallel import over_rows, row_tiles, scratch


class Convolution(Layer):
    """2-D convolution (cross-correlation, as in every deep learning framework).

    y[o, i, j] = b[o] + Σ_c Σ_u Σ_v W[o, c, u, v] · x[c, s·i + u, s·j + v]
    (Goodfellow, Bengio & Courville 2016, eq. 9.6 and 9.8; x is zero-padded by p on each side).

    With ``cols`` the matrix that holds the C·k·k numbers of every patch as a column (Chellapilla
    et al. 2006), the passes are matrix products:

    - forward    y  = W · cols(x) + b
    - backward   dW = dy · cols(x)ᵀ,   db = Σ dy
    -            dx = W̃ · cols(dy): a convolution of dy, padded by k − 1 − p, with the kernels
      flipped and the roles of the channels exchanged (Dumoulin & Visin 2016, §4)

    ``cols`` is k² times as large as x, and moving it through memory would take longer than the
    arithmetic. So it never exists as a whole: a few rows of the output are gathered and
    multiplied while they lie in the cache, and the backward pass gathers them again. Of a whole
    batch `batched_products` computes the same sums without ``cols``.

    Args:
        in_channels, out_channels: C and O.
        kernel: k, the side of the square kernel.
        stride: s.
        padding: p, zeros added on every side.
        bias: whether there is a b; useless in front of BatchNorm, which subtracts it again.
        rng: source of the initial weights, He et al. 2015, eq. 10: N(0, √(2 / (C·k·k))); None
            leaves them undefined.
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
        rng: np.random.Generator | None,
        dtype: DTypeLike = np.float32,
        needs_dx: bool = True,
    ) -> None:
        super().__init__()
        if not 0 <= padding < kernel:
            raise ValueError(f"The padding must be from 0 to {kernel - 1}, not {padding}.")
        self.kernel, self.stride, self.padding = kernel, stride, padding
        self.needs_dx = needs_dx
        shape = (out_channels, in_channels, kernel, kernel)
        std = np.sqrt(2 / (in_channels * kernel * kernel))
        if rng is None:
            self.parameters["weight"] = np.empty(shape, dtype)
        else:
            self.parameters["weight"] = (rng.standard_normal(shape) * std).astype(dtype)
        if bias:
            self.parameters["bias"] = np.zeros(out_channels, dtype)
        self._x: Array | None = None

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
        y = self._memory("y", (len(weight), *out, batch), weight.dtype, training)
        convolve(x, weight, self.stride, self.padding, out=y)
        if "bias" in self.parameters:
            y += self.parameters["bias"][:, None, None, None]
        if training:
            self._x = x
        return y

    def backward(self, dy: Array) -> Array | None:
        """Return dx (C, H, W, N), or None without ``needs_dx``; dy is (O, H', W', N)."""
        x, weight = require_forward(self._x), self.parameters["weight"]
        self.gradients["weight"] = weight_gradient(x, dy, self.kernel, self.stride, self.padding)
        if "bias" in self.parameters:
            self.gradients["bias"] = dy.reshape(len(dy), -1).sum(axis=1)
        if not self.needs_dx:
            return None
        dx = self._memory("dx", x.shape, dy.dtype, True)
        flipped = np.ascontiguousarray(weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))
        convolve(self._spread(dy, x.shape), flipped, 1, self.kernel - 1 - self.padding, out=dx)
        return dx

    def _spread(self, dy: Array, input_shape: tuple[int, ...]) -> Array:
        """Return dy with the s − 1 zeros between its values that a stride s stands for."""
        if self.stride == 1:
            return dy
        height, width = (size + 2 * self.padding - self.kernel + 1 for size in input_shape[1:3])
        spread = np.zeros((len(dy), height, width, dy.shape[3]), dy.dtype)
        spread[:, :: self.stride, :: self.stride] = dy
        return spread


# Tried for 3×3 kernels: Winograd's F(2, 3) along the rows (Lavin & Gray 2016, eq. 5), which
# multiplies 1.5 times less and gathers six numbers for each input value instead of nine. The same
# to 1e-13, but a training step took 1.0 to 1.4 times as long (Xeon with AVX-512, two threads):
# NumPy makes the sums one array at a time, and each passes through the cache once more.
def convolve(x: Array, weight: Array, stride: int, padding: int, out: Array) -> None:
    """Write the convolution of x (C, H, W, N) with weight (O, C, k, k) to out (O, H', W', N)."""
    if x.shape[3] >= LEAST_BATCH:  # the same, faster
        batched_products.convolve(x, weight, stride, padding, out)
        return
    matrix, y = weight.reshape(len(weight), -1), out.reshape(len(out), -1)
    kernel, width = weight.shape[2], out.shape[2] * out.shape[3]

    def multiply(_: int, rows: slice) -> None:
        cols = im2col(x, rows, out.shape[2], kernel, stride, padding)
        np.matmul(matrix, cols, out=y[:, rows.start * width : rows.stop * width])

    over_rows(multiply, out.shape[1], matrix.shape[1] * width)


def weight_gradient(x: Array, dy: Array, kernel: int, stride: int, padding: int) -> Array:
    """Return dW (O, C, k, k) = dy · cols(x)ᵀ, for x (C, H, W, N) and dy (O, H', W', N)."""
    if x.shape[3] >= LEAST_BATCH and batched_products.is_merged((len(dy), len(x), kernel, kernel)):
        return batched_products.weight_gradient(x, dy, kernel, stride, padding)
    columns, width = x.shape[0] * kernel * kernel, dy.shape[2] * dy.shape[3]
    rows_of_dy = dy.reshape(len(dy), -1)
    tiles = row_tiles(dy.shape[1], columns * width)
    partial = np.empty((len(tiles), columns, len(dy)), dy.dtype)

    def multiply(number: int, rows: slice) -> None:
        cols = im2col(x, rows, dy.shape[2], kernel, stride, padding)
        tile = rows_of_dy[:, rows.start * width : rows.stop * width]
        # dWᵀ: OpenBLAS takes a fifth less time when the wide matrix is the first.
        np.matmul(cols, tile.T, out=partial[number])

    over_rows(multiply, dy.shape[1], columns * width)
    transposed = np.ascontiguousarray(partial.sum(axis=0).T)
    return transposed.reshape(len(dy), x.shape[0], kernel, kernel)


def im2col(x: Array, rows: slice, width: int, kernel: int, stride: int, padding: int) -> Array:
    """Return the patches that some rows of the output see, as columns.

    Args:
        x: (C, H, W, N).
        rows: of the output.
        width: W', of the output.

    Returns:
        (C·k·k, rows·W'·N), in this thread's scratch memory: valid until its next call.
    """
    channels, _, _, batch = x.shape
    count = rows.stop - rows.start
    cols = scratch((channels, kernel, kernel, count, width, batch), x.dtype)
    for u in range(kernel):
        to_rows, from_rows = overlap(u - padding + stride * rows.start, stride, count, x.shape[1])
        for v in range(kernel):
            to_columns, from_columns = overlap(v - padding, stride, width, x.shape[2])
            tap = cols[:, u, v]
            tap[:, to_rows, to_columns] = x[:, from_rows, from_columns]
            # Where this element of the kernel lies outside the image it meets a zero.
            tap[:, : to_rows.start] = 0
            tap[:, to_rows.stop :] = 0
            tap[:, to_rows, : to_columns.start] = 0
            tap[:, to_rows, to_columns.stop :] = 0
    return cols.reshape(channels * kernel * kernel, -1)
