"""One answer at a time a core; some requests wait, the others are told to come back.

Two answers that share a core are both late, and each holds its image and its activations in memory
meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from typing import TypeVar

from api.refusals import Refusal

WAITING = 16  # requests beside those that are answered
BODIES = 80 * 2**20  # bytes of all that are there, answered and waiting
LARGE = 16_000_000  # pixels; an image of 64 megapixels takes half a gigabyte while it is answered
_FULL = "The server is busy: try again in some seconds."

Answer = TypeVar("Answer")


class WaitingLine:
    """What bounds the requests of one server.

    Args:
        cores: Answers at the same time; by default one a core of this process.
        waiting: Requests beside those; by default :data:`WAITING`.
    """

    def __init__(self, cores: int | None = None, waiting: int | None = None) -> None:
        self._cores = cores or _cores()
        self._places = self._cores + (WAITING if waiting is None else waiting)
        self._taken = self._bytes = 0
        self._core = asyncio.Semaphore(self._cores)
        self._large = asyncio.Lock()

    def take_place(self, size: int = 0) -> ExitStack:
        """Take a place in the line, before the request's body is read.

        Args:
            size: Of that body, in bytes.

        Returns:
            A context that gives the place back at its end.

        Raises:
            Refusal: There is none left, or no memory for the body; alone, any has a place.
        """
        if self._taken >= self._places or (self._taken and self._bytes + size > BODIES):
            raise Refusal(503, _FULL)
        self._taken += 1
        self._bytes += size
        held = ExitStack()
        held.callback(self._leave, size)
        return held

    def _leave(self, size: int) -> None:
        self._taken -= 1
        self._bytes -= size

    async def answer(self, work: Callable[[], Answer], pixels: int = 0) -> Answer:
        """Run some work in a thread, when a core is free.

        Args:
            work: What takes a core.
            pixels: Of its image; only one large one is in work at a time, for its memory.
        """
        async with AsyncExitStack() as held:
            if pixels > LARGE:
                await held.enter_async_context(self._large)
            await held.enter_async_context(self._core)
            try:
                return await asyncio.to_thread(work)
            finally:
                if pixels > LARGE:
                    await asyncio.to_thread(_hand_back)


def _hand_back() -> None:
    """Give the system what an image has left: glibc keeps a heap's free pages for that heap.

    Pillow's blocks lie in the heap of the thread that decoded them, and the next large image may
    come to another thread, whose heap is not that one: both would have a quarter of a gigabyte.
    """
    with contextlib.suppress(AttributeError, OSError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)


def _cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1
