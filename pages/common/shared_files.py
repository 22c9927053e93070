"""What is the same for every visitor, at addresses of its own: fetched once, then kept.

What is written into a message is sent again whenever something beside it has changed, and to every
visitor. Here an address names what a file holds, so that a browser never has to ask for it twice;
:mod:`pages.server.file_sender` answers.

What belongs to one visitor does not come here: it would outlive the visit.
"""

from __future__ import annotations

import hashlib
import threading

from pages.common import site

PLACE = "shared"  # in the app's address
MOST = 32 * 2**20  # bytes of all of them

_kept: dict[str, bytes] = {}
_lock = threading.Lock()


def address(contents: bytes, kind: str) -> str | None:
    """Return a file's address, which the frontend takes from the root; None: there is no room left.

    Args:
        contents: What it holds.
        kind: How its name ends, such as ``"png"``.
    """
    name = f"{hashlib.sha256(contents).hexdigest()[:32]}.{kind}"
    with _lock:
        if name not in _kept and sum(map(len, _kept.values())) + len(contents) > MOST:
            return None
        _kept[name] = contents
    return f"{site.base()}/{PLACE}/{name}"


def find(name: str) -> bytes | None:
    """Return the file behind the last part of an address, None if there is none."""
    return _kept.get(name)
