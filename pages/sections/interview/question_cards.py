"""The twelve questions at a glance, by scenario, each with its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import streamlit as st

from pages.sections.interview import visitor_progress
from pages.sections.interview.question_file import SCENARIOS, Question, questions

_BADGES: dict[str, tuple[str, str, Literal["gray", "orange", "green"]]] = {
    "open": ("Open", ":material/radio_button_unchecked:", "gray"),
    "predicted": ("Predicted", ":material/trending_up:", "orange"),
    "answered": ("Answered", ":material/check:", "green"),
}


def show(open_question: Callable[[int], None]) -> None:
    """Draw them.

    Args:
        open_question: Called with the number of the question to open.
    """
    for scenario in SCENARIOS:
        own = [question for question in questions() if question.scenario == scenario]
        if not own:
            continue
        st.header(scenario, anchor=False)
        wide = 2 if len(own) % 2 == 0 else 3
        for first in range(0, len(own), wide):
            for column, question in zip(st.columns(wide), own[first : first + wide], strict=False):
                with column, st.container(border=True, height="stretch"):
                    _card(question, open_question)


def _card(question: Question, open_question: Callable[[int], None]) -> None:
    label, icon, color = _BADGES[visitor_progress.state(question)]
    if visitor_progress.asked(question) is None and label == "Open":
        label, icon = "Prediction to come", ":material/hourglass_empty:"
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.markdown(f"**{question.number}**")
        st.badge(label, icon=icon, color=color)
    st.subheader(question.title, anchor=False)
    st.markdown(question.teaser)
    st.space("stretch")  # the buttons of a row at one height
    st.button(
        f"Question {question.number}",
        icon=":material/arrow_forward:",
        icon_position="right",
        key=f"interview.open.{question.number}",
        on_click=open_question,
        args=(question.number,),
    )
