"""Import the slow libraries and load the models before somebody needs them.

All that is slow waits for the first visitor's page: begun at once it would compete with that page
for the interpreter's lock and make it slower (2.2 s instead of 1.1 s, measured with torch). So each
of its steps waits until no page is being drawn, but not for ever: what it fetches, the next page
may need. If nobody comes for some seconds, it begins alone.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module

import zoo
from pages.common import loaded_models

_ALONE = 5.0  # seconds after the start of the server, if nobody comes
_REST = 0.7  # seconds since a page was drawn: its browser has work then, too
_PATIENCE = 6.0  # seconds that a step waits for that
_visited = threading.Event()
_ending = threading.Event()
_thread: threading.Thread | None = None
_lock = threading.Lock()
_drawing = 0  # pages, at the moment
_drawn = 0.0  # when the last one was finished


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


@contextmanager
def behind() -> Iterator[None]:
    """Draw a page, while no step of the warm-up begins."""
    global _drawing, _drawn
    with _lock:
        _drawing += 1
    _visited.set()
    try:
        yield
    finally:
        with _lock:
            _drawing, _drawn = _drawing - 1, time.monotonic()


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
    try:
        _begin()
        _visited.wait(_ALONE)
        for step in _steps(prepare):
            _wait_for_rest()
            if _ending.is_set():
                return
            step()
    except zoo.ZooError as error:  # a sentence of its own, such as of a wrong ZOO_EXTRA
        logging.getLogger(__name__).error(error)
    except Exception:  # the page that needs it will show the error; the log tells the rest
        logging.getLogger(__name__).exception("Warming up failed")
    loaded_models.freeze()


def _begin() -> None:
    """Do at once what is short and what the first page needs, while its browser starts."""
    import_module("zoo.explain")
    for name in zoo.list_models(alternatives=False):
        if zoo.info(name).framework == "numpy":
            _model(name)


def _steps(prepare: Sequence[Callable[[zoo.Model], None]]) -> Iterator[Callable[[], object]]:
    """Yield what is to be done, the shorter things first."""
    yield partial(import_module, "zoo.preprocessing.strokes")  # SciPy, for whoever draws
    names = zoo.list_models(alternatives=False)
    for name in names:
        yield partial(_model, name)
    for name in names:
        if model := _model(name):
            for section in prepare:
                yield partial(section, model)


def _model(name: str) -> zoo.Model | None:
    """Return a model, or None if it cannot be loaded: the page that needs it will say why."""
    try:
        return loaded_models.shared(name)
    except zoo.ZooError:
        return None


def _wait_for_rest() -> None:
    """Wait until no page has been drawn for a moment; also no longer than a visitor would."""
    end = time.monotonic() + _PATIENCE
    while (now := time.monotonic()) < end and not _ending.is_set():
        if not _drawing and now - _drawn >= _REST:
            return
        _ending.wait(0.05)
