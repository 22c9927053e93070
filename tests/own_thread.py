"""Work in a thread of its own: the main one may hold the loop of a browser that other tests use."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def run(work: Callable[[], T]) -> T:
    """Return what ``work`` returns, or raise what it raises."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()
