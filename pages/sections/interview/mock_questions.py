"""What the mock interview asks: the twelve, their follow-ups, and where to read again."""

from __future__ import annotations

import re
from typing import Any

from pages.common import site
from pages.components.mock_interview import mock_interview
from pages.sections.interview import question_screens
from pages.sections.interview.question_file import Question, questions

_MARKS = re.compile(r"\*\*|`")


def show() -> None:
    """Draw the mock interview; all of it stays in the browser."""
    mock_interview.show("mock-interview", [asked(question) for question in questions()])


def asked(question: Question) -> dict[str, Any]:
    """Return a question as the browser needs it; texts are plain, their figures filled in."""
    return {
        "number": question.number,
        "title": question.title,
        "scenario": question.scenario,
        "ask": _plain(question.ask),
        "points": _points(question.points),
        "follow_ups": [
            {"ask": _plain(one.ask), "points": _points(one.points)}
            for one in question.follow_ups
            if one.points
        ],
        "href": f"{site.base()}/interview?q={question.number}",
        "again": [
            {"title": entry.title, "href": f"{site.base()}/{name}"}
            for name in question.again
            if (entry := site.by_name(name)) in site.entries() and entry is not None
        ],
    }


def _points(texts: tuple[str, ...]) -> list[str]:
    return [_plain(text) for text in question_screens.said(texts)]


def _plain(text: str) -> str:
    return _MARKS.sub("", text)
