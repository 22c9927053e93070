"""All experiments: a card each, with the question and what was found."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

import zoo
from pages.common import number_format
from pages.sections.experiments import subjects, words

_COLUMNS = 2
ALL = "All"


def show(experiments: list[zoo.Experiment], on_open: Callable[[str], None]) -> None:
    """Draw the cards, after a choice of the subject.

    Args:
        experiments: All of them.
        on_open: Called with the name of the one whose card was chosen.
    """
    found = subjects.order({subjects.subject(experiment) for experiment in experiments})
    chosen = st.pills(
        "Subject",
        [ALL, *found],
        default=ALL,
        required=True,
        key="subject",
        bind="query-params",
        label_visibility="collapsed",
    )
    for title in found if chosen in (ALL, None) else [str(chosen)]:
        st.subheader(title, anchor=False)
        own = [experiment for experiment in experiments if subjects.subject(experiment) == title]
        for first in range(0, len(own), _COLUMNS):
            pair = own[first : first + _COLUMNS]
            for column, experiment in zip(st.columns(_COLUMNS), pair, strict=False):
                with column:
                    _card(experiment, on_open)


def _card(experiment: zoo.Experiment, on_open: Callable[[str], None]) -> None:
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.markdown(f"**{experiment.question}**")
        st.caption(number_format.spaced(words.first_sentence(experiment.finding)))
        st.space("stretch")
        st.button(
            "Open",
            key=f"open-{experiment.name}",
            icon=":material/arrow_forward:",
            icon_position="right",
            type="tertiary",
            help=experiment.name,
            on_click=on_open,
            args=(experiment.name,),
        )
