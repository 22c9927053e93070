"""Import the slow libraries and load the models before somebody needs them.

The thread starts after the first visitor's page: begun at once it would compete with that page for
the interpreter's lock and make it slower (2.2 s instead of 1.1 s, measured with torch).
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import os
import threading
from collections.abc import Callable, Sequence

import threadpoolctl

import zoo
from pages.common import loaded_models

_DELAY = 1.5  # seconds
_lock = threading.Lock()
_started = False
_ending = threading.Event()


def start(prepare: Sequence[Callable[[zoo.Model], None]] = ()) -> None:
    """Set up the process, once in the life of the server, and warm up behind the first page.

    Args:
        prepare: What sections of pages compute once a model; called with each.
    """
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
    loaded_models.freeze()
    thread = threading.Thread(target=_warm_up, args=(prepare,), name="warm-up", daemon=True)
    thread.start()
    atexit.register(_end, thread)


def _end(thread: threading.Thread) -> None:
    """End the thread before the process: torch aborts a process that ends within it.

    An exception is raised in the thread, between two of its steps, so that nobody who stops the
    app waits for all of the warming up.
    """
    _ending.set()
    if thread.ident is not None and thread.is_alive():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
        )
    thread.join(5.0)  # a download may take longer, and may be cut short


def _warm_up(prepare: Sequence[Callable[[zoo.Model], None]]) -> None:
    if _ending.wait(_DELAY):
        return
    try:
        import plotly.graph_objects  # noqa: F401

        for name in zoo.list_models():
            loaded_models.loaded(name)
        for name in zoo.list_models():
            if model := loaded_models.loaded(name):
                for section in prepare:
                    section(model)
    except Exception:  # the page that needs it will show the error; the log tells the rest
        logging.getLogger(__name__).exception("Warming up failed")
    loaded_models.freeze()
