"""Folding the BatchNorm of a trained network into its convolutions: recorded, and on demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

import zoo
from pages.common import number_format
from pages.sections import how_measured
from pages.sections.batch_norm import recorded_series
from pages.sections.batch_norm.norm_inputs import Subject
from zoo import batch_norm

ROUNDS = 7  # timed passes of each network
IMAGES = 1


@st.fragment
def show(subject: Subject) -> None:
    """Show what folding changes as recorded; fold and time it here on demand."""
    found = recorded_series.recorded("batch_norm_folding")
    figure = st.container()
    with st.container(horizontal=True, gap="small"):
        asked = st.button("Do it here", icon=":material/compress:", key="bn.fold")
        if found is not None:
            how_measured.popover(found)
    if asked:
        with st.spinner("Folding, and timing both in turns …"):
            try:
                st.session_state["bn.folded"] = _fold(subject)
            except zoo.ZooError as error:
                st.error(str(error))
                return
    live: batch_norm.Comparison | None = st.session_state.get("bn.folded")
    own = [row for row in found.rows if row["model"] == subject.name] if found else []
    with figure:
        if live is not None:
            _measured(live)
        elif own:
            _recorded(min(own, key=lambda row: row["images"]))


def _fold(subject: Subject) -> batch_norm.Comparison:
    folded = batch_norm.fold(subject.network, subject.inputs[:1])
    return batch_norm.compare(subject.network, folded.network, subject.inputs[:IMAGES], ROUNDS)


def _recorded(row: Mapping[str, Any]) -> None:
    """Draw what holds on any machine; times are for the one on which somebody asks."""
    change = number_format.power(row["max_difference"])
    st.markdown(
        f"**{row['folded']} of {row['folded'] + row['kept']}** layers fold away; the logits, up to "
        f"{row['largest']:.1f}, change by at most **{change}**. Is it faster?"
    )


def _measured(found: batch_norm.Comparison) -> None:
    with st.container(horizontal=True, gap="medium"):
        st.metric("Logits changed by at most", number_format.power(found.max_difference))
        st.metric("With BatchNorm", number_format.duration(found.before))
        st.metric("Folded", number_format.duration(found.after))
        st.metric("Speed", f"× {found.ratio:.2f}")
    st.caption(
        f"One image, the median of {ROUNDS} turns, measured on this server just now. "
        "A server that is busy moves it by more than folding does."
    )
