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

import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Measured on two cores: smaller tiles fit a core's L2 cache better, but each costs a few calls
# from Python, and the threads take turns in those. 32k values made a training step 35 % slower.
TILE_VALUES = 256 * 1024
# Below this many values a second thread is not worth waking.
SERIAL_VALUES = 128 * 1024
# A product's tile may be larger: the product itself works through it block by block.
PRODUCT_VALUES = 384 * 1024

_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_pool: ThreadPoolExecutor | None = None
_lock = threading.Lock()
_local = threading.local()


def set_threads(threads: int) -> None:
    """Set how many threads the network's training and large batches use."""
    global _threads, _pool
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}.")
    # Whoever works with the old pool still holds it; then its idle threads end by themselves.
    with _lock:
        _threads, _pool = threads, None


def _forget_pool() -> None:
    """Make a new pool when it is needed: a forked process has none of its parent's threads."""
    global _pool, _lock
    _pool, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


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
    parallel = channels * values >= SERIAL_VALUES
    _run(lambda _, tile: function(tile), tiles, parallel)


def over_rows(function: Callable[[int, slice], None], rows: int, values: int) -> None:
    """Call ``function(number, slice)`` for the `row_tiles` of so many rows.

    Args:
        function: does the work of some rows of the output; must not write to any others.
        rows: how many there are.
        values: how many numbers are gathered for one row.
    """
    _run(function, row_tiles(rows, values), parallel=rows * values >= SERIAL_VALUES)


def row_tiles(rows: int, values: int) -> list[slice]:
    """Split rows into slices of at most `PRODUCT_VALUES` gathered numbers each, or of one row."""
    return even_tiles(rows, max(1, PRODUCT_VALUES // max(values, 1)))


def even_tiles(total: int, most: int) -> list[slice]:
    """Split ``range(total)`` into slices of at most ``most``: an even number, equal, if that goes.

    >>> [tile.stop for tile in even_tiles(6, 2)], [tile.stop for tile in even_tiles(7, 3)]
    ([1, 2, 3, 4, 5, 6], [2, 4, 7])
    """
    least = -(-total // most)
    equal = (n for n in range(least, total + 1) if n % 2 == 0 and total % n == 0)
    count = 1 if least <= 1 else next(equal, least)
    ends = [total * number // count for number in range(count + 1)]
    return [slice(*pair) for pair in pairwise(ends)]


def scratch(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """Return uninitialized memory of this thread, the same again at its next call."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = getattr(_local, "memory", None)
    if memory is None or memory.size < size:
        memory = _local.memory = np.empty(size, np.uint8)
    return memory[:size].view(dtype).reshape(shape)


def _run(function: Callable[[int, slice], None], tiles: list[slice], parallel: bool) -> None:
    """Call the function for every tile and its number, spread over the threads."""
    pool, most = _current_pool() if parallel and len(tiles) > 1 else (None, 1)
    threads = min(most, len(tiles))
    if pool is None or threads <= 1:
        for number, tile in enumerate(tiles):
            function(number, tile)
        return

    numbers = iter(range(len(tiles)))  # one for all: who is free takes the next

    def run() -> None:
        for number in numbers:
            function(number, tiles[number])

    others = [pool.submit(run) for _ in range(1, threads)]
    run()  # this thread works too, instead of waiting
    for other in others:
        other.result()


def _current_pool() -> tuple[ThreadPoolExecutor | None, int]:
    """Return the pool, made at its first use, and how many threads work: its own and the caller."""
    global _pool
    with _lock:
        if _pool is None and _threads > 1:
            _pool = ThreadPoolExecutor(_threads, thread_name_prefix="numpy_cnn")
        return _pool, _threads
