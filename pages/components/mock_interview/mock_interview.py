"""A mock interview: questions, a clock, one's own answers, key points, a report.

All of it happens in the browser. What somebody writes there is never sent to Python, and is kept
for the tab alone (``sessionStorage``), so that a reload loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pages.components.register import component

_mount = component("mock_interview", "mock_report")


def show(key: str, questions: Sequence[Mapping[str, Any]]) -> None:
    """Show it.

    Args:
        key: Streamlit's key.
        questions: For each ``number``, ``title``, ``scenario``, ``ask``, ``points`` (texts),
            ``follow_ups`` (each ``ask`` and ``points``), ``again`` (each ``title``, ``href``).
    """
    _mount(key=key, data={"questions": list(questions)})
