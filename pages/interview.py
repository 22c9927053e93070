"""The interview: twelve questions, each predicted first and measured then."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.common import entry_guard
from pages.components.link import link
from pages.components.screen_focus import screen_focus
from pages.sections.interview import (
    mock_questions,
    question_cards,
    question_screens,
    visitor_progress,
)
from pages.sections.interview.question_file import questions

entry_guard.ensure("pages/interview.py")
st.html(Path(__file__).parent / "sections" / "interview" / "interview.css")

OPEN, STEP, TURNS = "interview.question", "interview.step", "interview.turns"
MOCK = 0  # what is open instead of a question while somebody is being interviewed
OVERVIEW, INTERVIEW = "interview-overview", "interview-mock"


def put(number: int | None, step: int = 0) -> None:
    """Put a question's step on the screen; None: the overview."""
    st.session_state[OPEN], st.session_state[STEP] = number, step


def turn_to(number: int | None, step: int = 0) -> None:
    """Go there as a visitor does, with the focus on the new screen's heading."""
    put(number, step)
    st.session_state[TURNS] = st.session_state.get(TURNS, 0) + 1


def go(step: int) -> None:
    """Go to a step of the open question."""
    turn_to(st.session_state.get(OPEN), step)


came = link.arrived(q=link.whole(1, len(questions())), mock=link.whole(1, 1), progress=str)
if "progress" in came:
    visitor_progress.from_link(came["progress"])
if "mock" in came:
    put(MOCK)
if "q" in came:
    put(came["q"])

number = st.session_state.get(OPEN)
question = next((one for one in questions() if one.number == number), None)
if number is not None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "All twelve",
            icon=":material/grid_view:",
            type="tertiary",
            on_click=turn_to,
            args=(None,),
        )
        if question is not None:
            st.caption(f"Question {question.number} · {question.scenario}")

if question is not None:
    screen = question_screens.show(question, st.session_state.get(STEP, 0), go, turn_to)
elif number == MOCK:
    screen = INTERVIEW
    with st.container(key=screen):
        st.title("Mock interview", anchor=False)
        mock_questions.show()
else:
    screen = OVERVIEW
    with st.container(key=screen):
        st.title("The interview", anchor=False)
        st.markdown(
            "Three lines in a résumé: a NumPy classifier on MNIST with 96 %, a CNN on CIFAR-10 in "
            "PyTorch, a U-Net on Carvana with 92 % IoU. Twelve questions about them. "
            "**Commit to a prediction, see the measurement, then say it aloud.**"
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Mock interview", icon=":material/timer:", on_click=turn_to, args=(MOCK,))
            done = sum(visitor_progress.state(one) == "answered" for one in questions())
            st.markdown(f"{done} of {len(questions())} answered")
        question_cards.show(turn_to)

screen_focus.show(st.session_state.get(TURNS, 0), screen)
link.show(
    q=number or None,
    mock=1 if number == MOCK else None,
    progress=visitor_progress.to_link(),
)
