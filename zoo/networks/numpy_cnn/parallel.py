"""Split work onto threads, and into tiles that stay in a core's cache.

NumPy releases Python's global lock inside its loops and in BLAS, so plain threads use all cores.
The tiles do not depend on the number of threads, and sums over tiles are added in a fixed order:
neither does the result, to the last bit.

Matrix products are split here, instead of by BLAS, because the threads of OpenBLAS spin while they
wait for the next product: between products they take the cores from the rest of the step, and on
a busy machine the step becomes several times slower. So `training` limits BLAS to one thread;
without the limit the results are the same and training is slower.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

# A tile of 32k float32 values (128 KiB) leaves room for a few operands in a 512 KiB L2 cache.
TILE_VALUES = 32 * 1024
# Below this many values, waking a thread (~30 µs) costs more than it saves.
SERIAL_VALUES = 128 * 1024
# Matrix products are split into this many tiles: enough for the cores of a usual machine.
PRODUCT_TILES = 8

_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_pool: ThreadPoolExecutor | None = None


def set_threads(threads: int) -> None:
    """Set how many threads the network's training and large batches use."""
    global _threads, _pool
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}.")
    if _pool is not None:
        _pool.shutdown()
    _threads, _pool = threads, None


def get_threads() -> int:
    """Return how many threads are used."""
    return _threads


def over_channels(function: Callable[[slice], None], channels: int, values: int) -> None:
    """Call ``function(slice)`` for slices that together cover ``range(channels)`` once.

    Args:
        function: works on ``array[slice]`` of arrays whose first axis is the channel.
        channels: length of that axis.
        values: how many numbers one channel holds; decides the size of the tiles.
    """
    step = max(1, TILE_VALUES // max(values, 1))
    tiles = [slice(start, min(start + step, channels)) for start in range(0, channels, step)]
    _run(function, tiles, parallel=channels * values >= SERIAL_VALUES)


def multiply(a: NDArray, b: NDArray, out: NDArray) -> None:
    """Write the matrix product a · b to ``out``, for a small a (m, k) and a wide b (k, n)."""

    def product(tile: slice) -> None:
        np.matmul(a, b[:, tile], out=out[:, tile])

    _run(product, _column_tiles(b.shape[1]), parallel=b.size >= SERIAL_VALUES)


def multiply_transposed(a: NDArray, b: NDArray) -> NDArray:
    """Return a · bᵀ, for wide a (m, n) and b (k, n): a sum over the many columns, tile by tile."""
    tiles = _column_tiles(b.shape[1])
    partial = np.empty((len(tiles), len(a), len(b)), a.dtype)
    numbers = {tile.start: number for number, tile in enumerate(tiles)}

    def product(tile: slice) -> None:
        np.matmul(a[:, tile], b[:, tile].T, out=partial[numbers[tile.start]])

    _run(product, tiles, parallel=b.size >= SERIAL_VALUES)
    return partial.sum(axis=0)


def _column_tiles(columns: int) -> list[slice]:
    """Split columns into at most `PRODUCT_TILES` slices, whole cache lines each."""
    step = -(-columns // PRODUCT_TILES)
    step = max(16, -(-step // 16) * 16)
    return [slice(start, min(start + step, columns)) for start in range(0, columns, step)]


def _run(function: Callable[[slice], None], tiles: list[slice], parallel: bool) -> None:
    """Call the function for every tile, spread over the threads."""
    global _pool
    threads = min(_threads, len(tiles)) if parallel else 1
    if threads <= 1:
        for tile in tiles:
            function(tile)
        return
    if _pool is None:
        _pool = ThreadPoolExecutor(_threads, thread_name_prefix="numpy_cnn")

    def run(worker: int) -> None:
        for tile in tiles[worker::threads]:
            function(tile)

    others = [_pool.submit(run, worker) for worker in range(1, threads)]
    run(0)  # this thread works too, instead of waiting
    for other in others:
        other.result()
