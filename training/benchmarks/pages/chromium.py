"""Find and start a Chromium for the tests and benchmarks that need a real browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",  # containers and CI run as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
MISSING = (
    "No Chromium was found. Install one (`apt-get install chromium`, or "
    "`python -m playwright install chromium`) or put the path of one into CHROMIUM."
)


def find(playwright: Any) -> str:
    """Return the path of a Chromium: $CHROMIUM, one on the PATH, or Playwright's own.

    Args:
        playwright: What ``sync_playwright()`` yields.

    Raises:
        RuntimeError: There is none; the message says what to install.
    """
    if wanted := os.environ.get("CHROMIUM"):
        if found := shutil.which(wanted):
            return found
        raise RuntimeError(f"CHROMIUM is {wanted!r}, which is no program; correct or unset it.")
    for name in NAMES:
        if found := shutil.which(name):
            return found
    own = playwright.chromium.executable_path
    if own and Path(own).exists():
        return str(own)
    raise RuntimeError(MISSING)


def launch(playwright: Any) -> Any:
    """Start a headless Chromium that asks nothing of the network by itself.

    Args:
        playwright: What ``sync_playwright()`` yields.

    Returns:
        A Playwright ``Browser``.

    Raises:
        RuntimeError: There is no Chromium.
    """
    return playwright.chromium.launch(executable_path=find(playwright), args=list(ARGUMENTS))
