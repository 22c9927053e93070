"""Where the code lies: what a host sets as SOURCE_URL, and the addresses that follow from it."""

from __future__ import annotations

import os
import re

_ADDRESS = re.compile(r"https?://[\w.-]+(:\d+)?(/[\w./~%-]*)?")


def address() -> str | None:
    """Return the repository's address, without a slash at its end; None if none is set.

    What is no web address counts as none: it would become a link.
    """
    found = os.environ.get("SOURCE_URL", "").strip().rstrip("/")
    return found if _ADDRESS.fullmatch(found) else None


def docs() -> str | None:
    """Return the documents' address, or None."""
    found = address()
    return f"{found}/tree/main/docs" if found else None


def issues() -> str | None:
    """Return the address where a problem can be reported, or None."""
    found = address()
    return f"{found}/issues" if found else None
