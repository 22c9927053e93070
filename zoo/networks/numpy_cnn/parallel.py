"""Split work over channels: onto threads, and into tiles that stay in a core's cache.

NumPy releases Python's global lock inside its loops, so plain threads run them on all cores.
Every channel is computed by the same instructions whatever the number of threads: results do
not depend on it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

# A tile of 32k float32 values (128 KiB) leaves room for a few operands in a 512 KiB L2 cache.
TILE_VALUES = 32 * 1024
# Below this many values, waking a thread (~30 µs) costs more than it saves.
SERIAL_VALUES = 128 * 1024

_threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
_pool: ThreadPoolExecutor | None = None


def set_threads(threads: int) -> None:
    """Set how many threads `over_channels` uses; matrix products follow BLAS's own setting."""
    global _threads, _pool
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}.")
    if _pool is not None:
        _pool.shutdown()
    _threads, _pool = threads, None


def get_threads() -> int:
    """Return how many threads `over_channels` uses."""
    return _threads


def over_channels(function: Callable[[slice], None], channels: int, values: int) -> None:
    """Call ``function(slice)`` for slices that together cover ``range(channels)`` once.

    Args:
        function: works on ``array[slice]`` of arrays whose first axis is the channel.
        channels: length of that axis.
        values: how many numbers one channel holds; decides the size of the tiles.
    """
    global _pool
    step = max(1, TILE_VALUES // max(values, 1))
    tiles = [slice(start, min(start + step, channels)) for start in range(0, channels, step)]
    threads = min(_threads, len(tiles)) if channels * values >= SERIAL_VALUES else 1
    if threads == 1:
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
