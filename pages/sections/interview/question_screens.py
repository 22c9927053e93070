"""A question in eight screens, one idea each: from how it is asked to how it is repeated."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

import zoo
from pages.components.prediction import prediction as component
from pages.sections.interview import (
    live_pieces,
    measured_chart,
    recorded_figure,
    visitor_guess,
    visitor_progress,
)
from pages.sections.interview.question_file import Prediction, Question

STEPS = (
    "Asked", "Predict", "Measured", "Answer", "Why", "Follow-ups", "Wrong", "Sources",
)  # fmt: skip
_HIDDEN_FROM = 2  # steps behind the prediction
_ANSWERED_FROM = 3  # who has come here has heard the answer


def show(question: Question, step: int, go: Callable[[int], None]) -> None:
    """Draw one screen of a question.

    Args:
        question: Which one.
        step: 0 to 7; a step behind the prediction is the prediction while that is not given.
        go: Called with the step to go to.
    """
    step = allowed(question, step)
    if step >= _ANSWERED_FROM:
        visitor_progress.of(question).answered = True
    st.title(question.title, anchor=False)
    _steps(question, step, go)
    with st.container(key=f"interview-step-{step + 1}"):
        _SCREENS[step](question, go)
    _back_and_next(question, step, go)


def allowed(question: Question, step: int) -> int:
    """Return the step that is shown if somebody asks for one."""
    return min(max(step, 0), _last(question))


def _last(question: Question) -> int:
    """Return the last step that is open: without a guess, nothing behind the prediction."""
    asked = visitor_progress.asked(question)
    found = visitor_progress.of(question)
    locked = asked is not None and found.guess is None and not found.answered
    return _HIDDEN_FROM - 1 if locked else len(STEPS) - 1


def _steps(question: Question, step: int, go: Callable[[int], None]) -> None:
    key = f"interview.steps.{question.number}"
    st.session_state[key] = step
    st.segmented_control(
        "Step",
        range(_last(question) + 1),
        format_func=lambda one: f"{one + 1} {STEPS[one]}",
        key=key,
        label_visibility="collapsed",
        required=True,
        on_change=lambda: go(st.session_state[key]),
    )


def _back_and_next(question: Question, step: int, go: Callable[[int], None]) -> None:
    with st.container(horizontal=True, gap="small", key="interview-turn"):
        if step > 0:
            st.button("Back", icon=":material/arrow_back:", on_click=go, args=(step - 1,))
        if step < _last(question):
            st.button(
                _NEXT[step],
                icon=":material/arrow_forward:",
                icon_position="right",
                type="primary",
                on_click=go,
                args=(step + 1,),
            )


_NEXT = (
    "Make a prediction",
    "Go on",
    "The answer",
    "Why is it so?",
    "What they ask next",
    "What not to say",
    "Sources and commands",
)


def quote(text: str) -> None:
    """Draw what somebody says, large."""
    with st.container(key="interview-quote"):
        st.markdown(text)


def asked(question: Question, go: Callable[[int], None]) -> None:
    """How the interviewer puts it."""
    quote(f"“{question.ask}”")
    st.markdown(question.teaser)


def predict(question: Question, go: Callable[[int], None]) -> None:
    """The prediction, or that nothing has been measured yet."""
    prediction = visitor_progress.asked(question)
    if prediction is None:
        not_recorded(question.awaits)
        st.markdown("You can read on, with what can be derived or was measured elsewhere.")
        return
    found = visitor_progress.of(question)
    st.subheader(recorded_figure.text(prediction.ask), anchor=False)
    if found.guess is not None or found.answered:
        st.markdown("You have predicted this already; a prediction is given once.")
        return
    key = f"prediction-{question.number}"
    data = measured_chart.asked(prediction, key)

    def commit() -> None:
        sent = component.committed(key, data["id"])
        guess = visitor_guess.checked(prediction, sent)
        if guess is not None and visitor_progress.commit(question, guess):
            go(_HIDDEN_FROM)

    component.show(key, data, commit)


def measured(question: Question, go: Callable[[int], None]) -> None:
    """What was measured, with the visitor's guess in it."""
    prediction = visitor_progress.asked(question)
    if prediction is None:
        not_recorded(question.awaits)
        return
    guess = visitor_progress.of(question).guess
    key = f"prediction-{question.number}"
    st.subheader(prediction.chart.title, anchor=False)
    component.show(key, measured_chart.revealed(prediction, key, guess))
    st.caption(_basis(prediction))


def _basis(prediction: Prediction) -> str:
    found = zoo.experiment(prediction.chart.experiment)
    seeds = len(found.seeds)
    dots = f"A dot is a seed; {seeds} seeds." if seeds > 1 else "One seed."
    limits = str(found.raw.get("limits") or "").strip().rstrip(".")
    return f"{dots} {f'Limits: {limits}.' if limits else ''} Experiment `{found.name}`."


def answer(question: Question, go: Callable[[int], None]) -> None:
    """What one would say aloud."""
    paragraphs(question.answer)
    with st.expander("In key points", icon=":material/checklist:"):
        st.markdown("\n".join(f"- {point}" for point in said(question.points)))


def why(question: Question, go: Callable[[int], None]) -> None:
    """The mechanism, live where there is something to touch."""
    paragraphs(question.why)
    live_pieces.show(question.live)


def follow_ups(question: Question, go: Callable[[int], None]) -> None:
    """What interviewers ask next."""
    st.markdown("Answer each aloud before you open it.")
    for number, one in enumerate(question.follow_ups):
        with st.expander(one.ask):
            paragraphs((one.answer,))
            if one.chart is None:
                continue
            if recorded_figure.is_recorded(one.chart.experiment):
                st.markdown(f"**{one.chart.title}**")
                name = f"follow-up-{question.number}-{number}"
                component.show(name, measured_chart.drawing(one.chart, name))
            else:
                not_recorded((one.chart.experiment,))


def wrong(question: Question, go: Callable[[int], None]) -> None:
    """What had better not be said, and what refutes it."""
    for one in question.wrong:
        refuted = said((one.refuted,))
        if not refuted or not holds(one.when):
            continue
        with st.container(border=True):
            st.markdown(f":material/close: **“{one.claim}”**")
            st.markdown(refuted[0])


def repeat(question: Question, go: Callable[[int], None]) -> None:
    """Sources, limits, and the commands."""
    lines = [f"- [{one.paper}]({one.url}), {one.section}" for one in question.sources]
    st.markdown("**Read**\n\n" + "\n".join(lines))
    names = experiments(question)
    recorded = [zoo.experiment(name) for name in names if recorded_figure.is_recorded(name)]
    limits = said((question.limits,)) if question.limits else []
    limits += [f"`{one.name}`: {one.raw['limits']}" for one in recorded if one.raw.get("limits")]
    if limits:
        st.markdown("**Limits**\n\n" + "\n".join(f"- {line}" for line in limits))
    if recorded:
        st.markdown("**Repeat it**")
        st.code("\n".join(found.command for found in recorded), language="bash", wrap_lines=True)
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
        for reference in recorded_figure.references(text):
            named += sorted(recorded_figure.experiments(reference))
    return list(dict.fromkeys([*named, *question.awaits]))


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


def paragraphs(texts: tuple[str, ...]) -> None:
    """Draw paragraphs with their figures; say which measurement is missing, if one is."""
    missing = []
    for text in texts:
        try:
            st.markdown(recorded_figure.text(text))
        except recorded_figure.NotRecordedError as error:
            missing.append(str(error))
    if missing:
        not_recorded(missing)


def not_recorded(names: tuple[str, ...] | list[str]) -> None:
    """Say that a measurement is not there yet; no figure is put in its place."""
    missing = [name for name in dict.fromkeys(names) if not recorded_figure.is_recorded(name)]
    if not missing:
        return
    told = " and ".join(f"`{name}`" for name in missing)
    st.info(
        f"Not measured yet: {told}. No figure is given until it is recorded.",
        icon=":material/hourglass_empty:",
    )


def _address() -> str:
    """Return the page's address without what a visitor has done there."""
    return str(st.context.url or "/interview").partition("?")[0]
