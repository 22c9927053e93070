"""Show the progress of a download."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes that arrived and the bytes in all."""


@contextmanager
def shown(progress: Progress | None) -> Iterator[Progress]:
    """Report to the caller, or to a bar on the terminal that shows after a second."""
    if progress is not None:
        yield progress
        return
    from tqdm.auto import tqdm

    quiet = True if os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS") == "1" else None
    bar = tqdm(unit="B", unit_scale=True, unit_divisor=1000, delay=1, leave=False, disable=quiet)
    current = ""

    def draw(name: str, done: int, total: int) -> None:
        nonlocal current
        if name != current:
            current = name
            bar.reset(total or None)
            bar.set_description(name, refresh=False)
        bar.update(done - bar.n)

    try:
        yield draw
    finally:
        bar.close()
