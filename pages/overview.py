"""Overview: what this is, and one card a model."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import format, frame, headline, models, picture, site, training
from zoo import records
from zoo.samples import samples

frame.ensure("pages/overview.py")

st.title("CNN-Lytical", anchor=False)
st.markdown(
    "Convolutional networks that you can train, pull, run and take apart. "
    "Every number on these pages is a measurement that you can repeat."
)


@st.cache_data(show_spinner=False)
def band(collection: str, count: int) -> bytes:
    """Return the first samples of a collection side by side, as a PNG file."""
    return picture.png(picture.band([sample.read() for sample in samples(collection)[:count]]))


def card(entry: site.Entry, name: str, wide: bool) -> None:
    """Draw one model's card: what it does, how well, how large, how it got there."""
    info, record = zoo.info(name), models.record(name)
    metric, value, n = records.headline(record)
    points = records.curve(record, "validation", metric)
    with st.container(border=True, height="stretch", gap="small"):
        if entry.samples:
            st.image(band(entry.samples, 10 if wide else 5), width="stretch")
        if wide:
            left, right = st.columns(2, gap="large")
        else:  # the numbers of all cards at one height, however long their summaries are
            left, _, right = st.container(), st.space("stretch"), st.container()
        with left:
            st.header(info.title, anchor=False)
            st.markdown(entry.summary)
            st.caption(
                f"{format.count(info.parameters)} parameters &nbsp;·&nbsp; "
                f"{format.size(info.size)} &nbsp;·&nbsp; "
                f"trained in {format.duration(record['wall_seconds'])}"
            )
        with right:
            headline.show(
                f"headline-{name}",
                name=f"Test {training.METRICS[metric]}, n = {n:,}",
                value=format.percent(value, 2),
                values=[value for _, value in points],
                caption=_development(points),
            )
        (left if wide else st).page_link(
            entry.path,
            label=f"Open {info.title}",
            icon=":material/arrow_forward:",
            icon_position="right",
        )


def _development(points: list[tuple[int, float]]) -> str:
    """Say from where to where the validation metric went."""
    if not points:
        return ""
    (first, start), (last, end) = points[0], points[-1]
    before, after = format.percent(start), format.percent(end)
    return f"Validation: {before} after epoch {first}, {after} after {last}"


cards = [entry for entry in site.entries() if entry.model and entry.summary]
for first in range(0, len(cards), 3):
    row = cards[first : first + 3]
    for column, entry in zip(st.columns(min(len(cards), 3)), row, strict=False):
        with column:
            card(entry, str(entry.model), wide=len(cards) == 1)
