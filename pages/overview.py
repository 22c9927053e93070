"""Overview: what this is, and one card a model."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import format, frame, models, site, training

frame.ensure("pages/overview.py")

st.title("CNN-Lytical", anchor=False)
st.markdown(
    "Convolutional networks that you can train, pull, run and take apart. "
    "Every number on these pages is a measurement that you can repeat."
)


def card(entry: site.Entry, model: zoo.Model, wide: bool) -> None:
    """Draw one model's card: what it does, how well, how large, how it got there."""
    info = zoo.info(model.name)
    metric, value, n = training.headline(model.record)
    with st.container(border=True, height="stretch", gap="small"):
        left, right = st.columns(2, gap="large") if wide else (st.container(), st.container())
        with left:
            st.subheader(info.title, anchor=False)
            st.markdown(entry.summary)
            st.caption(
                f"{format.count(info.parameters)} parameters &nbsp;·&nbsp; "
                f"{format.size(info.size)} &nbsp;·&nbsp; "
                f"trained in {format.duration(model.record['wall_seconds'])}"
            )
            st.page_link(entry.path, label=f"Open {info.title}", icon=":material/arrow_forward:")
        right.metric(
            f"Test {training.METRICS[metric]}, n = {n:,}",
            format.percent(value, 2),
            chart_data=[epoch["validation"][metric] for epoch in model.record["history"]],
            chart_type="area",
            delta_color="primary",
        )


cards = [entry for entry in site.entries() if entry.model and entry.summary]
for first in range(0, len(cards), 3):
    row = cards[first : first + 3]
    for column, entry in zip(st.columns(min(len(cards), 3)), row, strict=False):
        with column:
            card(entry, models.load(str(entry.model)), wide=len(cards) == 1)
