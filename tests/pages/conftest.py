"""The app run without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def app() -> AppTest:
    """The app after its first run: the overview."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()


@pytest.fixture
def digits(app: AppTest) -> AppTest:
    """The digits page after its first run."""
    return app.switch_page("pages/digits.py").run()
