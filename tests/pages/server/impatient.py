"""The app with a short housekeeping interval, no warm-up and a part of a page that breaks.

``python -m tests.pages.server.impatient run app.py …``: Streamlit's command with it.
"""

from __future__ import annotations

from typing import Any

from streamlit.web import cli

from pages.common import warm_up
from pages.sections import calibration
from pages.server import housekeeping

BROKEN = "the calibration's secret detail"


def fail(*_: Any) -> None:
    raise ValueError(BROKEN)


if __name__ == "__main__":
    housekeeping.EVERY = 0.3
    housekeeping.THAW_EVERY = 0.0
    calibration.show = fail
    warm_up.start = lambda *_: None  # its memory is another test's
    cli.main()
