"""Give back what nobody needs any more: sessions that are gone, garbage, freed memory.

Streamlit would collect garbage after every run of a page, which under a class of students was a
fifth of the time in which the interpreter was held (``runner.postScriptGC`` is off, see
.streamlit/config.toml); and it forgets a session, with its uploads, only when another one comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import time

from streamlit import runtime

EVERY = 10.0  # seconds
THAW_EVERY = 60.0  # seconds; see _collect

_last_thaw = -THAW_EVERY


async def forever() -> None:
    """Tidy up now and then, until cancelled. Runs on the server's event loop."""
    while True:
        await asyncio.sleep(EVERY)
        try:
            await tidy()
        except Exception:  # a server that is untidy still serves
            logging.getLogger(__name__).exception("Housekeeping failed")


async def tidy() -> None:
    """End the sessions whose visitors have not come back; give their memory to the system."""
    gone = _end_lost_sessions()
    await asyncio.to_thread(_collect, gone > 0)


def _end_lost_sessions() -> int:
    """End sessions that were left longer ago than ``server.disconnectedSessionTTL``.

    Streamlit has no public way to do so; what is private here is held up by
    tests/pages/server/test_limits.py.

    Returns:
        How many ended.
    """
    if not runtime.exists():
        return 0
    app = runtime.get_instance()
    lost = app._session_mgr._session_storage._cache.expire()  # type: ignore[attr-defined]
    for _, info in lost:
        info.session.shutdown()
    # A file that arrived after the end of its session would stay for ever.
    uploads = app.uploaded_file_mgr
    for session in list(uploads.file_storage):  # type: ignore[attr-defined]
        if app._session_mgr.get_session_info(session) is None:
            uploads.remove_session_files(session)
    return len(lost)


def _collect(thaw: bool) -> None:
    """Collect garbage, and hand the heap's free pages back.

    Args:
        thaw: Look at the objects that :func:`pages.common.loaded_models.freeze` has hidden, too.
            Sessions that were open at that moment are among them; but to walk through all that
            torch has made takes a quarter of a second, so this is done once a minute at most.
    """
    global _last_thaw
    thaw = thaw and time.monotonic() - _last_thaw > THAW_EVERY
    if thaw:
        _last_thaw = time.monotonic()
        gc.unfreeze()
    gc.collect()
    if thaw:
        gc.freeze()
    with contextlib.suppress(AttributeError, OSError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
