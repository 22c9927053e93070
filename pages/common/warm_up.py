"""Import the slow libraries and load the models before somebody needs them.

The thread starts after the first visitor's page: begun at once it would compete with that page for
the interpreter's lock and make it slower (2.2 s instead of 1.1 s, measured with torch).
"""

from __future__ import annotations

import atexit
import logging
import os
import threading

import threadpoolctl

import zoo
from pages.common import favourites, models

_DELAY = 1.5  # seconds
_lock = threading.Lock()
_started = False
_ending = threading.Event()


def start() -> None:
    """Set up the process, once in the life of the server, and warm up behind the first page."""
    global _started
    with _lock:
        if _started:
            return
        _started = True
    # Visitors share the cores, so each answer gets one thread. OpenBLAS's own threads spin while
    # they wait for each other, and on a busy machine one digit took 45 ms instead of 0.8 ms.
    threadpoolctl.threadpool_limits(1, user_api="blas")
    # The same for torch, which is not imported yet and reads this when it is.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    models.freeze()
    thread = threading.Thread(target=_warm_up, name="warm-up", daemon=True)
    thread.start()
    atexit.register(_end, thread)


def _end(thread: threading.Thread) -> None:
    """Let the thread come to the end of its step: torch aborts a process that ends within it."""
    _ending.set()
    thread.join(10.0)  # a download may take longer, and may be cut short


def _warm_up() -> None:
    if _ending.wait(_DELAY):
        return
    try:
        import plotly.graph_objects  # noqa: F401

        for work in (models.loaded, _prepare):
            for name in zoo.list_models():
                if _ending.is_set():
                    return
                work(name)
    except Exception:  # the page that needs it will show the error; the log tells the rest
        logging.getLogger(__name__).exception("Warming up failed")
    models.freeze()


def _prepare(name: str) -> None:
    if model := models.loaded(name):
        favourites.prepare(model)
