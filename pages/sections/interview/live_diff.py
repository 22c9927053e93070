"""What a faster training takes: each change as a diff, and what it was measured to bring."""

from __future__ import annotations

from statistics import median

import streamlit as st

import zoo
from pages.sections.interview import recorded_figure

_EXPERIMENT = "train_faster"
_SERIES = {"one after another": "One after another", "alone": "Each alone", "mistake": "Mistakes"}


@st.fragment
def show() -> None:
    """Let somebody choose a change; show its lines and its speed, as recorded."""
    if not recorded_figure.is_recorded(_EXPERIMENT):
        return
    st.markdown("**Try it:** choose a change, and see the lines that it takes.")
    diffs = zoo.experiment(_EXPERIMENT).raw["diffs"]
    with st.container(horizontal=True):
        series = st.segmented_control(
            "Changes", list(_SERIES), format_func=_SERIES.__getitem__,
            default="one after another", required=True, key="iv.series",
        )  # fmt: skip
        variants = [one["variant"] for one in diffs if one["series"] == series]
        variant = st.selectbox("Change", variants, index=min(1, len(variants) - 1), key=series)
    lines = next(
        one["lines"] for one in diffs if (one["series"], one["variant"]) == (series, variant)
    )
    st.code("\n".join(lines), language="diff", wrap_lines=True)
    st.caption(" · ".join(speeds(str(series), str(variant))))


def speeds(series: str, variant: str) -> list[str]:
    """Return for each recorded device how fast a change was, in a phrase."""
    rows = [
        row
        for row in zoo.experiment(_EXPERIMENT).rows
        if (row["series"], row["variant"]) == (series, variant)
    ]
    told = []
    for device in dict.fromkeys(row["device"] for row in rows):
        own = [row for row in rows if row["device"] == device]
        speed = median(row["speedup"] for row in own)
        a_second = median(row["images_per_second"] for row in own)
        told.append(
            f"{device.upper()}: {recorded_figure.written(a_second, 'whole')} images a second, "
            f"{recorded_figure.written(speed, 'times:2')} as many as the first version"
        )
    return told
