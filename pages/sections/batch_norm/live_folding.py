"""Folding the BatchNorm of a trained network into its convolutions: recorded, and on demand."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import number_format
from pages.sections.batch_norm import how_measured, recorded_series
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
            _metrics(live.max_difference, live.before, live.after, "here, just now")
        elif own:
            row = min(own, key=lambda row: row["images"])
            _metrics(row["max_difference"], row["seconds"], row["seconds_folded"], "recorded")


def _fold(subject: Subject) -> batch_norm.Comparison:
    folded = batch_norm.fold(subject.network, subject.inputs[:1])
    return batch_norm.compare(subject.network, folded.network, subject.inputs[:IMAGES], ROUNDS)


def _metrics(difference: float, before: float, after: float, where: str) -> None:
    with st.container(horizontal=True, gap="medium"):
        st.metric("Largest difference of the logits", f"{difference:.0e}")
        st.metric("With BatchNorm", number_format.duration(before))
        st.metric("Folded", number_format.duration(after))
        st.metric("Speed", f"× {before / after:.2f}")
    st.caption(f"One image on a CPU, {where}.")
