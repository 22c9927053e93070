"""One running app for all tests that only visit it, whichever process they run in.

A server costs its start and its warm-up, a quarter of a minute of processor time; several tests run
at a time, and each of their processes would start its own.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from training.benchmarks.pages.page_wait import Server, running_app


@contextmanager
def shared_app(folder: Path) -> Iterator[Server]:
    """Yield the app that runs already, or start it.

    Whoever has started it stops it when all others that use it have left. A lock ends with its
    process, so that one that is killed leaves nobody waiting.

    Args:
        folder: The same one in all processes.
    """
    told = folder / "app.json"
    with ExitStack() as stack:
        used = stack.enter_context((folder / "app.used").open("w"))
        with _door(folder):
            fcntl.flock(used, fcntl.LOCK_SH)
            mine = not told.exists()
            if mine:
                server = stack.enter_context(running_app())
                told.write_text(json.dumps(asdict(server)))
            else:
                server = Server(**json.loads(told.read_text()))
        yield server
        if mine:
            fcntl.flock(used, fcntl.LOCK_EX)  # until the last one has left
            told.unlink()


def once(folder: Path, name: str, work: Callable[[], object]) -> None:
    """Do some work, unless one of the processes has done it; wait if one is doing it."""
    done = folder / f"{name}.done"
    with _door(folder):
        if not done.exists():
            work()
            done.touch()


@contextmanager
def _door(folder: Path) -> Iterator[None]:
    """One process at a time."""
    with (folder / "door").open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        yield
