"""What a visitor has predicted and read, kept in the session and in the link."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from pages.sections.interview import recorded_figure, visitor_guess
from pages.sections.interview.question_file import Prediction, Question, questions
from pages.sections.interview.visitor_guess import Guess

State = Literal["open", "predicted", "answered"]
_KEY = "interview.progress"
_BETWEEN = "."
# A question's number, "p" for predicted or "a" for answered, the guess. A guess of the question's
# second prediction has the letter behind (q, b), of its third the next one: which of them is asked
# changes once more is recorded.
_PART = re.compile(r"(\d{1,2})([a-cp-r])([\w-]*)", re.ASCII)


@dataclass
class Progress:
    """Of one question: the guess, given once, and whether its answer has been read."""

    guess: Guess | None = None
    answered: bool = False


def asked(question: Question) -> Prediction | None:
    """Return the prediction that a question asks for: the first one that has been measured."""
    return next(
        (p for p in question.predictions if recorded_figure.is_recorded(p.chart.experiment)), None
    )


def of(question: Question) -> Progress:
    """Return a question's progress; changes to it are kept."""
    kept: dict[int, Progress] = st.session_state.setdefault(_KEY, {})
    return kept.setdefault(question.number, Progress())


def state(question: Question) -> State:
    """Return what the question's card says."""
    found = of(question)
    if found.answered:
        return "answered"
    return "predicted" if found.guess is not None else "open"


def commit(question: Question, guess: Guess) -> bool:
    """Keep a guess; return whether it was the first. A second one changes nothing."""
    found = of(question)
    if found.guess is not None:
        return False
    found.guess = guess
    return True


def to_link() -> str | None:
    """Write all progress as a short text: number, p or a, the guess; None if there is none."""
    parts = []
    for question in questions():
        prediction, found = asked(question), of(question)
        if prediction is not None and found.guess is not None:
            letters = visitor_guess.encode(prediction, found.guess)
            kind = _letter("a" if found.answered else "p", question, prediction)
            parts.append(f"{question.number}{kind}{letters}")
        elif found.answered:
            parts.append(f"{question.number}a")
    return _BETWEEN.join(parts) or None


def from_link(text: str) -> None:
    """Take over what a link holds; what makes no sense is left out, what is known stays."""
    by_number = {str(question.number): question for question in questions()}
    for part in text.split(_BETWEEN):
        match = _PART.fullmatch(part)
        question = by_number.get(match[1]) if match else None
        if match is None or question is None:
            continue
        prediction, found = asked(question), of(question)
        answered = match[2] < "p"
        if prediction is not None and found.guess is None:
            known = match[2] == _letter("a" if answered else "p", question, prediction)
            guess = visitor_guess.decode(prediction, match[3]) if known else None
            if guess is None:
                continue
            found.guess = guess
        found.answered = found.answered or answered


def _letter(state: str, question: Question, prediction: Prediction) -> str:
    """Return a state's letter, so many further as the prediction has others before it."""
    return chr(ord(state) + question.predictions.index(prediction))
