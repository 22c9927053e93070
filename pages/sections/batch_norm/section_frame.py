"""What sections of the page stand in: a header, beside it how it was measured; two columns."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import zoo


def header(title: str, anchor: str, *records: zoo.Experiment | None) -> None:
    """Draw a header; beside it stands how what is below was measured.

    Args:
        title, anchor: of the header.
        records: behind the figures below; None for one that is not recorded.
    """
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        vertical_alignment="bottom",
        gap="xxsmall",
        key=f"bn-head-{anchor}",
    ):
        st.header(title, anchor=anchor, width="content")
        if known := [found for found in records if found is not None]:
            popover(*known)


def pair(name: str) -> list[DeltaGenerator]:
    """Return two columns, which on a phone stand below each other as close as anything else.

    Args:
        name: another one for each pair.
    """
    return st.container(key=f"bn-pair-{name}").columns(2, gap="medium")


def popover(*records: zoo.Experiment) -> None:
    """Offer network, seeds, machine and command of the records behind a figure.

    Args:
        records: one or more; the button says the same for any figure.
    """
    key = f"bn.how.{'.'.join(found.name for found in records)}"
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
        f"{found.hardware.get('cpu')}, {found.hardware.get('cores')} cores",
    ]
    st.markdown(f"**{found.question}**")
    st.caption(" · ".join(str(fact).rstrip(".") for fact in facts if fact))
    if limits := found.raw.get("limits"):
        st.caption(f"Limits: {limits}")
    st.code(found.command, language="bash", wrap_lines=True)
