"""Images that are the same for every visitor; see :mod:`pages.common.shared_files`."""

from __future__ import annotations

from pages.common import shared_files
from pages.images import encoding

SMALL = 1000  # bytes: to be asked for it costs more


def address(encoded: bytes, kind: str = "png") -> str:
    """Return an image's address; that of a small one, or when there is no room, holds it itself.

    Args:
        encoded: The bytes of an image file.
        kind: Its format, as in ``image/<kind>``.
    """
    found = None if len(encoded) < SMALL else shared_files.address(encoded, kind)
    return found or encoding.data_url(encoded, kind)
