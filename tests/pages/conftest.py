"""The app run without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import entry_guard

ROOT = Path(__file__).parents[2]


def open_page(page: str, **link: str) -> AppTest:
    """Return the app after its first run, by a link to a page, which saves the overview's.

    Args:
        page: Last part of the page's address.
        link: What stands behind the question mark.
    """
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.session_state[entry_guard._WANTED] = f"pages/{page}.py"
    for name, value in link.items():
        app.query_params[name] = value
    return app.run()


@pytest.fixture
def app() -> AppTest:
    """The app after its first run: the overview."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()


@pytest.fixture
def digits() -> AppTest:
    """The digits page after its first run."""
    return open_page("digits")
