"""The convolution of a whole batch: one small product an output position, nothing gathered.

im2col copies every number k² times, and BLAS copies the columns once more to multiply them. Here
the input is copied once, so that what lies at one place of the image lies together in memory:
(rows, columns, C, N). What one row u of the kernel sees from an output position (i, j), k places
side by side, is then a matrix (k·C, N) as it is, and

    y[:, i, j, :] = Σ_u W_u · x[s·i + u, s·j … s·j + k − 1],    W_u = W[:, :, u, :] as (O, k·C)

are k products for each position, over N images. They are small enough for OpenBLAS to multiply
without copying them first (up to 10⁶ multiplications; two thirds of the time of im2col and one
large product, with 64 channels). With few channels, as in a network's first layer, the k rows that
the kernel sees are laid side by side as well, and the k products are one.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from zoo.networks.numpy_cnn.layer import Array
from zoo.networks.numpy_cnn.parallel import over_rows, row_tiles, scratch

LEAST_BATCH = 64  # images; the products of fewer are too narrow
FEW = 32  # numbers in one row of the kernel; below that all rows make one product


def convolve(x: Array, weight: Array, stride: int, padding: int, out: Array) -> None:
    """Write the convolution of x (C, H, W, N) with weight (O, C, k, k) to out (O, H', W', N)."""
    outputs, channels, kernel, _ = weight.shape
    height, width, batch = out.shape[1:]
    merged = is_merged(weight.shape)
    taps = weight.transpose(0, 3, 2, 1)[None] if merged else weight.transpose(2, 0, 3, 1)
    matrices = np.ascontiguousarray(taps).reshape(len(taps), outputs, -1)
    sums = 0 if len(matrices) == 1 else 2 * width * outputs * batch  # of one row of the output

    def multiply(_: int, rows: slice) -> None:
        count = rows.stop - rows.start
        y = out[:, rows].transpose(1, 2, 0, 3)  # (rows, W', O, N)
        places, free = lay_out(x, rows, width, kernel, stride, padding, merged, count * sums)
        if len(matrices) == 1:
            np.matmul(matrices[0], windows(places, 0, y.shape, kernel, stride, merged), out=y)
            return
        total, product = free.reshape(2, *y.shape)
        for u, matrix in enumerate(matrices):
            seen = windows(places, u, y.shape, kernel, stride, merged)
            np.matmul(matrix, seen, out=product if u else total)
            if u:
                np.add(total, product, out=y if u == kernel - 1 else total)

    values = sums + (kernel * channels + outputs) * width * batch
    over_rows(multiply, height, values // 2)  # they need not all be in the cache at once


def weight_gradient(x: Array, dy: Array, kernel: int, stride: int, padding: int) -> Array:
    """Return dW (O, C, k, k) of few channels, for x (C, H, W, N) and dy (O, H', W', N)."""
    outputs, _, width, batch = dy.shape
    channels = len(x)
    values = (kernel * channels + outputs) * width * batch
    tiles = row_tiles(dy.shape[1], values)
    partial = np.empty((len(tiles), outputs, kernel * kernel * channels), dy.dtype)

    def multiply(number: int, rows: slice) -> None:
        places, _ = lay_out(x, rows, width, kernel, stride, padding, merged=True)
        tile = dy[:, rows].transpose(1, 2, 0, 3)  # (rows, W', O, N)
        seen = windows(places, 0, tile.shape, kernel, stride, merged=True)
        products = np.matmul(tile, seen.swapaxes(2, 3))
        products.sum(axis=(0, 1), out=partial[number])

    over_rows(multiply, dy.shape[1], values)
    shape = (outputs, kernel, kernel, channels)  # v in front of u
    return np.ascontiguousarray(partial.sum(axis=0).reshape(shape).transpose(0, 3, 2, 1))


def is_merged(shape: tuple[int, ...]) -> bool:
    """Return whether weights of this shape (O, C, k, k) make one product with all of k·k·C."""
    return shape[1] * shape[2] < FEW


def lay_out(
    x: Array,
    rows: slice,
    width: int,
    kernel: int,
    stride: int,
    padding: int,
    merged: bool,
    more: int = 0,
) -> tuple[Array, Array]:
    """Return what some rows of the output see, place by place, zeros included.

    Args:
        x: (C, H, W, N).
        rows: of the output.
        width: W', of the output.
        merged: for each row of the output the k rows that it sees, side by side.
        more: how many numbers of memory are wanted besides.

    Returns:
        (rows of the input, columns, C, N), or merged (rows of the output, columns, k·C, N); and
        the memory besides. Both are this thread's scratch memory: valid until its next call.
    """
    channels, _, _, batch = x.shape
    count, across = rows.stop - rows.start, stride * (width - 1) + kernel
    first = stride * rows.start - padding
    if merged:
        shape: tuple[int, ...] = (count, across, kernel * channels, batch)
    else:
        shape = (stride * (count - 1) + kernel, across, channels, batch)
    size = int(np.prod(shape))
    memory = scratch((size + more,), x.dtype)
    places = memory[:size].reshape(shape)
    if merged:
        for u in range(kernel):
            _copy(x, places[:, :, u * channels : (u + 1) * channels], first + u, stride, padding)
    else:
        _copy(x, places, first, 1, padding)
    return places, memory[size:]


def _copy(x: Array, places: Array, first: int, step: int, padding: int) -> None:
    """Copy rows first, first + step, … of x to places, and zeros where there is no image."""
    to_rows, from_rows = overlap(first, step, len(places), x.shape[1])
    to_columns, from_columns = overlap(-padding, 1, places.shape[1], x.shape[2])
    places[to_rows, to_columns] = x[:, from_rows, from_columns].transpose(1, 2, 0, 3)
    places[: to_rows.start] = places[to_rows.stop :] = 0
    places[to_rows, : to_columns.start] = places[to_rows, to_columns.stop :] = 0


def overlap(offset: int, stride: int, count: int, size: int) -> tuple[slice, slice]:
    """Return the i in 0 … count − 1 with 0 ≤ stride·i + offset < size, and those positions."""
    first = min(count, max(0, -(offset // stride)))  # ⌈−offset / stride⌉
    last = max(first, min(count, (size - 1 - offset) // stride + 1))
    start = max(0, stride * first + offset)
    return slice(first, last), slice(start, start + stride * (last - first), stride)


def windows(
    places: Array, u: int, shape: tuple[int, ...], kernel: int, stride: int, merged: bool
) -> Array:
    """Return what row u of the kernel sees, or the whole kernel if merged, from each position.

    Args:
        places: from `lay_out`.
        shape: (rows, W', …) of the output.

    Returns:
        (rows, W', k·C, N), or merged (rows, W', k·k·C, N): a view; what lies side by side shares
        memory.
    """
    row, column, channel, image = places.strides
    depth, batch = places.shape[2:]
    strides = (row if merged else stride * row, stride * column, channel, image)
    return as_strided(places[u:], (*shape[:2], kernel * depth, batch), strides, writeable=False)
