"""Import the slow libraries and load the models before somebody needs them.

The thread starts after the first visitor's page: begun at once it would compete with that page for
the interpreter's lock and make it slower (2.2 s instead of 1.1 s, measured with torch). If nobody
comes for some seconds, it does not wait any longer.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import threading
from collections.abc import Callable, Sequence

import zoo
from pages.common import loaded_models

_ALONE = 5.0  # seconds after the start of the server, if nobody comes
_DELAY = 1.5  # seconds after the first visitor's page has begun
_visited = threading.Event()
_ending = threading.Event()
_thread: threading.Thread | None = None


def start(prepare: Sequence[Callable[[zoo.Model], None]] = ()) -> None:
    """Warm up behind the first page, once in the life of the server.

    Args:
        prepare: What sections of pages compute once a model; called with each.
    """
    global _thread
    if _thread is not None:
        return
    _thread = threading.Thread(target=_warm_up, args=(prepare,), name="warm-up", daemon=True)
    _thread.start()
    atexit.register(end)


def visited() -> None:
    """Tell that a page is being drawn."""
    _visited.set()


def end() -> None:
    """End the thread before the process: torch aborts a process that ends within it.

    An exception is raised in the thread, between two of its steps, so that nobody who stops the
    app waits for all of the warming up.
    """
    _ending.set()
    _visited.set()
    if _thread is None or _thread.ident is None or not _thread.is_alive():
        return
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(_thread.ident), ctypes.py_object(SystemExit)
    )
    _thread.join(5.0)  # a download may take longer, and may be cut short


def _warm_up(prepare: Sequence[Callable[[zoo.Model], None]]) -> None:
    if _visited.wait(_ALONE) and _ending.wait(_DELAY):
        return
    try:
        import plotly.graph_objects  # noqa: F401

        for name in zoo.list_models():
            loaded_models.loaded(name)
        for name in zoo.list_models():
            if model := loaded_models.loaded(name):
                for section in prepare:
                    section(model)
    except zoo.ZooError as error:  # a sentence of its own, such as of a wrong ZOO_EXTRA
        logging.getLogger(__name__).error(error)
    except Exception:  # the page that needs it will show the error; the log tells the rest
        logging.getLogger(__name__).exception("Warming up failed")
    loaded_models.freeze()
