"""Experiments: every recorded measurement, its finding, its table, and how to repeat it."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import entry_guard
from pages.components.link import link
from pages.sections.experiments import experiment_detail, experiment_list

entry_guard.ensure("pages/experiments.py")
_OPEN = "experiment"  # in the session and in the address
_CHART = ("measure", "choice")  # in the address: what the chart shows

names = zoo.list_experiments()


def choose(name: str | None) -> None:
    """Remember which experiment is open; None: the list is."""
    st.session_state[_OPEN] = name


if _OPEN in (came := link.arrived(experiment=link.one_of(names), measure=str, choice=str)):
    choose(came[_OPEN])
    experiment_detail.ask(came[_OPEN], **{name: came[name] for name in _CHART if name in came})
opened = st.session_state.get(_OPEN)

if opened not in names:
    st.title("Experiments", anchor=False)
    st.markdown(
        f"{len(names)} questions. Each was answered by a measurement that one command repeats; "
        "tables and records are yours to take."
    )
    experiment_list.show([zoo.experiment(name) for name in names], choose)
    link.show(experiment=None, **dict.fromkeys(_CHART))
else:
    st.button("All experiments", icon=":material/arrow_back:", on_click=choose, args=(None,))
    link.show(experiment=opened, **experiment_detail.show(zoo.experiment(opened)))
