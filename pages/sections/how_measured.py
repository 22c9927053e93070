"""How a recorded figure was measured, in a popover beside its title: once, and out of the way."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import command_line, number_format
from pages.sections.experiments import words


def popover(*records: zoo.Experiment) -> None:
    """Offer network, seeds, machine and command of the records behind a figure.

    Args:
        records: one or more; the button says the same for any figure.
    """
    key = f"how.{'.'.join(found.name for found in records)}"
    with st.popover("How measured?", icon=":material/straighten:", type="tertiary", key=key):
        for found in records:
            _one(found)


def _one(found: zoo.Experiment) -> None:
    network, seeds = found.raw.get("network") or {}, len(found.seeds)
    recipe = network.get("recipe") or {}
    facts = [
        network.get("description"),
        f"{network['parameters']:,} parameters" if network.get("parameters") else None,
        f"{recipe['epochs']} epochs" if recipe.get("epochs") else None,
        f"{seeds} seed{'s' if seeds > 1 else ''}",
        f"on {found.raw.get('measured_on', 'CIFAR-10')}",
        f"{found.hardware.get('cpu')}, {number_format.cores(found.hardware.get('cores', 1))}",
    ]
    st.markdown(f"**{found.question}**")
    st.caption(" · ".join(str(fact).rstrip(".") for fact in facts if fact))
    if limits := words.limits(found):
        st.caption(f"Limits: {limits}")
    command_line.show(found.command)
