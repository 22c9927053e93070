"""Images that are the same for every visitor, at addresses of their own: fetched once, then kept.

An address that holds the image itself (:func:`pages.images.encoding.data_url`) is sent again
whenever something beside it has changed, and to every visitor. Here an address names what the image
holds, so that a browser never has to ask for it twice; ``pages/server/image_route.py`` answers.

What belongs to one visitor does not come here: it would outlive the visit.
"""

from __future__ import annotations

import hashlib
import threading

from pages.common import site
from pages.images import encoding

PLACE = "images"  # in the app's address
MOST = 32 * 2**20  # bytes of all of them

_kept: dict[str, bytes] = {}
_lock = threading.Lock()


def address(encoded: bytes, kind: str = "png") -> str:
    """Return an image's address; when there is no room left, one that holds it itself.

    Args:
        encoded: The bytes of an image file.
        kind: Its format, as in ``image/<kind>``.
    """
    name = f"{hashlib.sha256(encoded).hexdigest()[:32]}.{kind}"
    with _lock:
        if name not in _kept and sum(map(len, _kept.values())) + len(encoded) > MOST:
            return encoding.data_url(encoded, kind)
        _kept[name] = encoded
    return f"{site.base()}/{PLACE}/{name}"


def find(name: str) -> bytes | None:
    """Return the image file behind the last part of an address, None if there is none."""
    return _kept.get(name)
