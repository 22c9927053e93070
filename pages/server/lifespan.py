"""From the server's start to its stop: the process's settings, the warm-up, the housekeeping."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
from collections.abc import AsyncIterator
from typing import Any

import threadpoolctl
from PIL import Image

import zoo
from pages.common import loaded_models, warm_up
from pages.server import housekeeping

_ARENAS = (-8, 2)  # mallopt's M_ARENA_MAX, and how many
_PILLOW_BLOCK = 64 * 2**20  # bytes at most, of the pieces that an image's memory is made of


@contextlib.asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Set up the process, keep it in order while it serves, and end it in order."""
    set_up()
    warm_up.start([_top_images])
    keeper = asyncio.create_task(housekeeping.forever())
    try:
        yield
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
        await asyncio.to_thread(warm_up.end)


def _top_images(model: zoo.Model) -> None:
    """Have the top-activating images ready; imported late, for the server's start waits for it."""
    from pages.sections.feature_maps import top_images

    top_images.prepare(model)


def set_up() -> None:
    """Give each answer one thread, and all of them few heaps."""
    # Visitors share the cores, so each answer gets one thread. OpenBLAS's own threads spin while
    # they wait for each other, and on a busy machine one digit took 45 ms instead of 0.8 ms.
    threadpoolctl.threadpool_limits(1, user_api="blas")
    # The same for torch, which is not imported yet and reads this when it is.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Arrow's own allocator begins with a gigabyte of addresses, and keeps what it has had.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    # Every run of a page is a thread, and glibc would give each core eight heaps, none of which
    # can use what is free in another.
    with contextlib.suppress(AttributeError, OSError):  # not glibc
        ctypes.CDLL(None).mallopt(*_ARENAS)
    # What has more than 32 MB glibc takes from the system, and gives back as soon as it is freed.
    # Pillow's own pieces, of 16 MB, stay in the heaps beside what comes next.
    Image.core.set_block_size(_PILLOW_BLOCK)
    loaded_models.freeze()
