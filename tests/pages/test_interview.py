"""The interview's page: a guess is given once, nothing is told before it, progress is kept."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from pages.sections.interview import recorded_figure
from pages.sections.interview.question_file import questions
from tests.pages.conftest import open_page
from tests.pages.read import components


@pytest.fixture
def interview() -> AppTest:
    return open_page("interview")


def press(app: AppTest, label: str) -> AppTest:
    (found,) = [button for button in app.button if button.label == label]
    return found.click().run()


def opened(app: AppTest, number: int) -> AppTest:
    return press(press(app, f"Question {number}"), "Make a prediction")


def commit(app: AppTest, number: int, value: object, name: str | None = None) -> AppTest:
    """Send what the browser sends when somebody commits."""
    key = f"prediction-{number}"
    sent = {"committed": {"id": name or f"{key}-asked", "value": value}}
    app.session_state[key] = sent
    return app.run()


def markdown(app: AppTest) -> str:
    return "\n".join(one.value for one in app.markdown)


def test_the_overview_has_twelve_open_questions(interview: AppTest) -> None:
    assert not interview.exception
    labels = [button.label for button in interview.button]
    assert [label for label in labels if label.startswith("Question ")] == [
        f"Question {number}" for number in range(1, 13)
    ]
    assert "0 of 12 answered" in markdown(interview)


def test_nothing_is_told_before_the_guess(interview: AppTest) -> None:
    page = opened(interview, 7)
    (shown,) = components(page, "prediction")
    assert shown["kind"] == "number"
    assert [group["values"] is None for group in shown["groups"]] == [False, True]
    answer = recorded_figure.text("{{unet_skips.mean(iou, skips=false)|fixed:3}}")
    assert answer not in json.dumps(shown) + markdown(page)
    (steps,) = page.segmented_control if hasattr(page, "segmented_control") else page.button_group
    assert [option.partition(" ")[2] for option in steps.options] == ["Asked", "Predict"]


@pytest.mark.parametrize("number", [question.number for question in questions()])
def test_every_question_can_be_read_to_its_end(interview: AppTest, number: int) -> None:
    page = interview
    page.session_state["interview.question"] = number
    from pages.sections.interview import visitor_progress

    question = questions()[number - 1]
    kept = page.session_state["interview.progress"]
    kept.setdefault(number, visitor_progress.Progress()).answered = True
    for step in (0, 1, 2, 3, 5, 6, 7):  # the live pieces have tests of their own
        page.session_state["interview.step"] = step
        page = page.run()
        assert not page.exception, (step, page.exception)
        assert page.title[0].value == question.title
        assert "{{" not in markdown(page)
