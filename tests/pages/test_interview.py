"""The interview's page: a guess is given once, nothing is told before it, progress is kept."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from pages.sections.interview import recorded_figure, visitor_progress
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
    answer = recorded_figure.text("{{unet_skips.mean(iou, skips=false)|percent}}")
    assert answer not in json.dumps(shown) + markdown(page)
    assert steps_of(page) == ["Asked", "Predict"]


@pytest.mark.parametrize("number", [question.number for question in questions()])
def test_every_question_can_be_read_to_its_end(interview: AppTest, number: int) -> None:
    page = interview
    page.session_state["interview.question"] = number
    question = questions()[number - 1]
    kept = page.session_state["interview.progress"]
    kept.setdefault(number, visitor_progress.Progress()).answered = True
    for step in (0, 1, 2, 3, 5, 6, 7):  # the live pieces have tests of their own
        page.session_state["interview.step"] = step
        page = page.run()
        assert not page.exception, (step, page.exception)
        assert page.title[0].value == question.title
        assert "{{" not in markdown(page)


def steps_of(page: AppTest) -> list[str]:
    (steps,) = page.segmented_control if hasattr(page, "segmented_control") else page.button_group
    return [option.partition(" ")[2] for option in steps.options]


def test_a_question_without_a_record_can_be_read_and_opens_by_itself(
    interview: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server that is running when the record arrives."""
    recorded = recorded_figure.is_recorded
    missing = {one.chart.experiment for one in questions()[6].predictions}
    monkeypatch.setattr(
        recorded_figure, "is_recorded", lambda name: name not in missing and recorded(name)
    )
    page = press(interview, "Question 7")
    assert steps_of(page) == ["Asked", "Answer", "Why", "Follow-ups", "Wrong", "Sources"]
    assert "as soon as it is recorded" in page.info[0].value
    page = press(press(page, "All twelve"), "Question 12")
    monkeypatch.setattr(recorded_figure, "is_recorded", recorded)
    page = press(press(page, "All twelve"), "Question 7")
    assert steps_of(page) == ["Asked", "Predict"]
    assert not page.info
    page = press(page, "Make a prediction")
    assert components(page, "prediction")


def test_an_answer_that_was_read_first_leaves_nothing_to_predict(
    interview: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = recorded_figure.is_recorded
    monkeypatch.setattr(recorded_figure, "is_recorded", lambda name: False)
    page = press(press(interview, "Question 7"), "The answer")
    assert not page.exception
    monkeypatch.setattr(recorded_figure, "is_recorded", recorded)
    page = press(press(page, "Back"), "Make a prediction")
    assert "nothing left to predict" in markdown(page)
    assert not components(page, "prediction")


def test_a_links_guess_belongs_to_the_prediction_that_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A question with two predictions asks its first one as soon as that is recorded."""
    question = next(one for one in questions() if len(one.predictions) > 1)
    first, second = question.predictions[:2]
    state = SimpleNamespace(session_state={})
    monkeypatch.setattr(visitor_progress, "st", state)
    known = {second.chart.experiment}
    monkeypatch.setattr(recorded_figure, "is_recorded", lambda name: name in known)
    visitor_progress.commit(question, second.start)
    link = visitor_progress.to_link()
    assert link
    state.session_state = {}
    visitor_progress.from_link(link)
    assert visitor_progress.of(question).guess == pytest.approx(second.start, rel=0.01)
    known.add(first.chart.experiment)
    state.session_state = {}
    visitor_progress.from_link(link)
    assert visitor_progress.of(question).guess is None


def test_every_screen_has_one_heading_below_the_title(interview: AppTest) -> None:
    """The focus goes there; the live pieces bring none of their own."""
    page = interview
    page.session_state["interview.question"] = 6
    page.session_state["interview.progress"].setdefault(6, visitor_progress.Progress())
    page.session_state["interview.progress"][6].answered = True
    for step in range(8):
        page.session_state["interview.step"] = step
        page = page.run()
        assert not page.exception
        assert [one.tag for one in page.header] == ["h2"]
    assert "diff" in {one.language for one in reached(page, 4).code}


def test_the_last_screen_leads_to_the_next_question_and_the_prediction_does_not(
    interview: AppTest,
) -> None:
    page = opened(interview, 7)
    assert not [one for one in page.button if one.label.startswith("Question")]
    page.session_state["interview.progress"][7].answered = True
    page = press(reached(page, 7), "Question 8")
    assert page.title[0].value == questions()[7].title
    page.session_state["interview.question"] = 12
    page.session_state["interview.progress"][12] = visitor_progress.Progress(answered=True)
    assert not [one for one in reached(page, 7).button if one.label.startswith("Question")]


def reached(page: AppTest, step: int) -> AppTest:
    page.session_state["interview.step"] = step
    return page.run()
