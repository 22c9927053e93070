"""A question in eight screens, one idea each: from how it is asked to how it is repeated."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

import zoo
from pages.common import command_line, site
from pages.components.prediction import prediction as component
from pages.sections.experiments import words
from pages.sections.interview import (
    live_pieces,
    measured_chart,
    recorded_figure,
    visitor_guess,
    visitor_progress,
)
from pages.sections.interview.question_file import Chart, Question, questions

STEPS = (
    "Asked", "Predict", "Measured", "Answer", "Why", "Follow-ups", "Wrong", "Sources",
)  # fmt: skip
_TITLES = (
    "Asked",
    "Make a prediction",
    "Measured",
    "The answer",
    "Why is it so?",
    "What they ask next",
    "What not to say",
    "Sources and commands",
)  # of the button that leads to a screen, and of the screen if it has no other
_PREDICT, _MEASURED, _ANSWER = 1, 2, 3


def show(
    question: Question, step: int, go: Callable[[int], None], open_question: Callable[[int], None]
) -> str:
    """Draw one screen of a question; return the key of the container that holds it.

    Args:
        question: Which one.
        step: 0 to 7; a step behind the prediction is the prediction while that is not given.
        go: Called with the step to go to.
        open_question: Called with the number of the question to go on with.
    """
    open_steps = steps(question)
    step = allowed(open_steps, step)
    if step >= _ANSWER:
        visitor_progress.of(question).answered = True
    st.title(question.title, anchor=False)
    _steps(question, open_steps, step, go)
    screen = f"interview-step-{step + 1}"
    with st.container(key=screen):
        _SCREENS[step](question, go)
    _back_and_next(question, open_steps, step, go, open_question)
    return screen


def steps(question: Question) -> tuple[int, ...]:
    """Return the steps that are open.

    Without a guess there is nothing behind the prediction; and while nothing has been measured,
    neither a prediction nor a measurement, but all the rest.
    """
    whole = range(len(STEPS))
    if visitor_progress.asked(question) is None:
        return tuple(step for step in whole if step not in (_PREDICT, _MEASURED))
    found = visitor_progress.of(question)
    locked = found.guess is None and not found.answered
    return tuple(whole[: _PREDICT + 1] if locked else whole)


def allowed(open_steps: tuple[int, ...], step: int) -> int:
    """Return the open step that is shown if somebody asks for one: it, or the last one before."""
    return max((one for one in open_steps if one <= step), default=open_steps[0])


def _steps(
    question: Question, open_steps: tuple[int, ...], step: int, go: Callable[[int], None]
) -> None:
    key = f"interview.steps.{question.number}"
    st.session_state[key] = step
    st.segmented_control(
        "Step",
        open_steps,
        format_func=lambda one: f"{open_steps.index(one) + 1} {STEPS[one]}",
        key=key,
        label_visibility="collapsed",
        required=True,
        on_change=lambda: go(st.session_state[key]),
    )


def _back_and_next(
    question: Question,
    open_steps: tuple[int, ...],
    step: int,
    go: Callable[[int], None],
    open_question: Callable[[int], None],
) -> None:
    place = open_steps.index(step)
    with st.container(horizontal=True, gap="small", key="interview-turn"):
        if place > 0:
            st.button(
                "Back", icon=":material/arrow_back:", on_click=go, args=(open_steps[place - 1],)
            )
        if place < len(open_steps) - 1:
            _forward(_TITLES[open_steps[place + 1]], go, open_steps[place + 1])
        elif step == len(STEPS) - 1 and question.number < len(questions()):
            _forward(f"Question {question.number + 1}", open_question, question.number + 1)


def _forward(label: str, go: Callable[[int], None], where: int) -> None:
    """Draw the button that leads on."""
    st.button(
        label,
        icon=":material/arrow_forward:",
        icon_position="right",
        type="primary",
        on_click=go,
        args=(where,),
    )


def heading(text: str) -> None:
    """Draw what a screen is about; the focus comes here when it is opened."""
    st.header(text, anchor=False)


def asked(question: Question, go: Callable[[int], None]) -> None:
    """How the interviewer puts it."""
    with st.container(key="interview-quote"):
        heading(f"“{question.ask}”")
    st.markdown(question.teaser)
    if visitor_progress.asked(question) is None:
        st.info(
            "The measurement behind this question is still to come; its prediction opens as soon "
            "as it is recorded. The answer, the reasons and the follow-ups can be read already.",
            icon=":material/hourglass_empty:",
        )


def predict(question: Question, go: Callable[[int], None]) -> None:
    """The prediction, given once."""
    prediction = visitor_progress.asked(question)
    if prediction is None:
        return
    heading(recorded_figure.text(prediction.ask))
    found = visitor_progress.of(question)
    if found.guess is not None:
        st.markdown("You have predicted this already; a prediction is given once.")
        return
    if found.answered:  # before anything was recorded
        st.markdown("You have read the answer already, so there is nothing left to predict.")
        return
    key = f"prediction-{question.number}"
    data = measured_chart.asked(prediction, key)

    def commit() -> None:
        sent = component.committed(key, data["id"])
        guess = visitor_guess.checked(prediction, sent)
        if guess is not None and visitor_progress.commit(question, guess):
            go(_MEASURED)

    component.show(key, data, commit)


def measured(question: Question, go: Callable[[int], None]) -> None:
    """What was measured, with the visitor's guess in it."""
    prediction = visitor_progress.asked(question)
    if prediction is None:
        return
    guess = visitor_progress.of(question).guess
    key = f"prediction-{question.number}"
    heading(prediction.chart.title)
    component.show(key, measured_chart.revealed(prediction, key, guess))
    st.caption(_basis(prediction.chart, with_limits=True))


def _basis(chart: Chart, with_limits: bool = False) -> str:
    """Say what a dot is, on request what the measurement does not show, and where it is from."""
    found = zoo.experiment(chart.experiment)
    limits = words.limits(found) if with_limits else ""
    dot = measured_chart.dot(chart)
    parts = (dot and f"A dot is {dot}.", limits and f"Limits: {limits}")
    return " ".join([*filter(None, parts), f"Experiment: {found.name}."])


def answer(question: Question, go: Callable[[int], None]) -> None:
    """What one would say aloud."""
    heading(_TITLES[_ANSWER])
    paragraphs(question.answer)
    with st.expander("In key points"):
        st.markdown("\n".join(f"- {point}" for point in said(question.points)))


def why(question: Question, go: Callable[[int], None]) -> None:
    """The mechanism, live where there is something to touch."""
    heading(_TITLES[4])
    paragraphs(question.why)
    live_pieces.show(question.live)


def follow_ups(question: Question, go: Callable[[int], None]) -> None:
    """What interviewers ask next."""
    heading(_TITLES[5])
    st.markdown("Answer each aloud before you open it.")
    for number, one in enumerate(question.follow_ups):
        with st.expander(one.ask):
            awaited = (one.chart.experiment,) if one.chart else ()
            paragraphs(tuple(one.answer.split("\n\n")), awaited)
            if one.chart is not None and recorded_figure.is_recorded(one.chart.experiment):
                st.markdown(f"**{one.chart.title}**")
                name = f"follow-up-{question.number}-{number}"
                component.show(name, measured_chart.drawing(one.chart, name))
                st.caption(_basis(one.chart))


def wrong(question: Question, go: Callable[[int], None]) -> None:
    """What had better not be said, and what refutes it."""
    heading(_TITLES[6])
    waiting = []
    for one in question.wrong:
        refuted = said((one.refuted,))
        if not refuted:
            waiting += experiments_of(one.refuted)
        if not refuted or not holds(one.when):
            continue
        with st.container(border=True):
            st.markdown(f":material/close: **“{one.claim}”**")
            st.markdown(refuted[0])
    not_recorded(waiting)


def repeat(question: Question, go: Callable[[int], None]) -> None:
    """Sources, limits, and the commands."""
    heading(_TITLES[7])
    lines = [f"- [{one.paper}]({one.url}), {one.section}" for one in question.sources]
    st.markdown("**Read**\n\n" + "\n".join(lines))
    names = experiments(question)
    recorded = [zoo.experiment(name) for name in names if recorded_figure.is_recorded(name)]
    limits = said((question.limits,)) if question.limits else []
    limits += [f"{_record_of(one)}: {told}" for one in recorded if (told := words.limits(one))]
    if limits:
        st.markdown("**Limits**\n\n" + "\n".join(f"- {line}" for line in limits))
    if recorded:
        st.markdown("**Repeat it**")
        command_line.show("\n".join(found.command for found in recorded))
    if waiting := [name for name in names if not recorded_figure.is_recorded(name)]:
        not_recorded(waiting)
    st.markdown("**Ask somebody else**")
    st.code(f"{_address()}?q={question.number}", language=None, wrap_lines=True)


_SCREENS = (asked, predict, measured, answer, why, follow_ups, wrong, repeat)


def experiments(question: Question) -> list[str]:
    """Return the experiments that a question's figures come from, the first one first."""
    prediction = visitor_progress.asked(question)
    texts = [*question.answer, *question.why, *question.points]
    texts += [one.answer for one in question.follow_ups] + [one.refuted for one in question.wrong]
    named = [] if prediction is None else [prediction.chart.experiment]
    named += [one.chart.experiment for one in question.follow_ups if one.chart]
    for text in texts:
        named += experiments_of(text)
    return list(dict.fromkeys([*named, *question.awaits]))


def experiments_of(text: str) -> list[str]:
    """Return the experiments that the references in a text read."""
    references = recorded_figure.references(text)
    return [name for one in references for name in sorted(recorded_figure.experiments(one))]


def said(texts: tuple[str, ...]) -> list[str]:
    """Return texts with their figures; one whose experiment is not recorded is left out."""
    found = []
    for text in texts:
        try:
            found.append(recorded_figure.text(text))
        except recorded_figure.NotRecordedError:
            continue
    return found


def holds(when: str) -> bool:
    """Return whether a comparison of figures is measured so; none always holds."""
    try:
        return not when or bool(recorded_figure.value(when))
    except recorded_figure.NotRecordedError:
        return False


def paragraphs(texts: tuple[str, ...], awaited: tuple[str, ...] = ()) -> None:
    """Draw paragraphs with their figures; say which measurement is missing, if one is.

    Args:
        texts: A paragraph each; one whose figures are missing is left out.
        awaited: Experiments that are missed as well, if they are not recorded.
    """
    missing = []
    for text in texts:
        try:
            st.markdown(recorded_figure.text(text))
        except recorded_figure.NotRecordedError as error:
            missing.append(str(error))
    not_recorded([*missing, *awaited])


def not_recorded(names: tuple[str, ...] | list[str]) -> None:
    """Say that a measurement is not there yet; no figure is put in its place."""
    missing = [name for name in dict.fromkeys(names) if not recorded_figure.is_recorded(name)]
    if not missing:
        return
    told = " and ".join(f"`{name}`" for name in missing)
    one = len(missing) == 1
    st.info(
        f"{'A measurement is' if one else 'Measurements are'} still to come: {told}. "
        f"{'Its' if one else 'Their'} figures appear here as soon as "
        f"{'it is' if one else 'they are'} recorded.",
        icon=":material/hourglass_empty:",
    )


def _record_of(found: zoo.Experiment) -> str:
    """Return an experiment's name as a link to its record, all of its rows."""
    return f"[{found.name}]({site.base()}/experiments?experiment={found.name})"


def _address() -> str:
    """Return the page's address without what a visitor has done there."""
    return str(st.context.url or "/interview").partition("?")[0]
