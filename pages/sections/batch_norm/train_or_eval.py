"""Training against evaluation: a trained network's answers with the statistics of a batch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

import zoo
from pages.common import charts, number_format
from pages.sections import when_near
from pages.sections.batch_norm import norm_charts, norm_inputs, recorded_series
from pages.sections.batch_norm.norm_inputs import Subject
from zoo import batch_norm
from zoo.batch_norm import companies
from zoo.functions import softmax

MEASURED = 256  # images behind a live point of the curve
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ONE_CLASS_SIZES = (4, 8, 16)
SPACING, HEIGHT = 28, 224  # of the charts, in pixels


@st.fragment
def batch_dependence(subject: Subject) -> None:
    """Draw how the answer to one image depends on the batch, if its statistics are used."""
    names = subject.found.names
    with st.spinner("The network answers …", show_time=False):
        order = flipping(subject, subject.key)
    chosen = norm_inputs.choose("bn.company", subject, order)
    label = int(subject.labels[chosen])
    with st.spinner("The network answers …", show_time=False):
        drawn = {size: answers_in(subject, subject.key, chosen, size) for size in companies.SIZES}
        alone = evaluated(subject, subject.key, chosen)
    said = [int(p.argmax()) for rows in drawn.values() for p in rows]
    others = [names[k] for k in said if k != label]
    words = f" ({max(set(others), key=others.count)})" if others else ""
    st.markdown(
        f"eval(): **{names[int(np.argmax(alone))]}**, always, with "
        f"{number_format.percent(max(alone))} (dotted). train(): **{len(others)} of {len(said)}** "
        f"batches make it something else{words}. A dot is a batch:"
    )
    rows = {f"batch of {size}": [float(p[label]) for p in drawn[size]] for size in companies.SIZES}
    title = f"Probability of {names[label]}"
    when_near.chart(
        norm_charts.dots(rows, dict.fromkeys(rows, charts.accent()), alone[label], SPACING, title),
        key="bn.company.chart",
        alt=f"{title} in batches of different images; {alone[label]:.2f} in evaluation mode",
        height=norm_charts.dots_height(len(rows), SPACING, title),
    )


@st.fragment
def modes(subject: Subject) -> None:
    """Draw accuracy by batch size, as recorded on all test images and as measured now."""
    found = recorded_series.recorded("batch_norm_modes")
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.markdown("**Accuracy when left in train()**", width="content")
        with st.popover("Measure here", type="tertiary", key="bn.measure.fold"):
            st.caption(
                f"On {MEASURED} of the sample images, one point after the other: about half a "
                "minute. The points join the chart."
            )
            asked = st.button("Measure", key="bn.measure")
    figure = st.container()
    if asked:
        _measure(subject)
    live = st.session_state.get("bn.modes")
    lines = ([] if found is None else _recorded_modes(found)) + (_live_modes(live) if live else [])
    if lines:
        with figure:
            _modes_chart(lines)
    if live:
        st.caption(
            f"With markers: {MEASURED} sample images, just now; "
            f"{number_format.percent(live['running'])} in eval()."
        )


def _modes_chart(lines: list[norm_charts.Line]) -> None:
    when_near.chart(
        norm_charts.lines(
            lines,
            norm_charts.Axis("Images in the batch", log=True, ticks=SIZES, limits=(0.9, 300)),
            norm_charts.Axis("", ".0%"),
            HEIGHT,
        ),
        key="bn.modes.chart",
        alt="Accuracy by batch size, with the statistics of the batch",
        height=HEIGHT,
    )


def _recorded_modes(found: zoo.Experiment) -> list[norm_charts.Line]:
    running = next(row["accuracy"] for row in found.rows if row["statistics"] == "running")
    edges = [(SIZES[0], running), (SIZES[-1], running)]
    series = recorded_series.modes
    return [
        norm_charts.Line("eval()", edges, charts.quiet(), "dash", 1.5),
        norm_charts.Line("mixed batches", series(found, "mixed"), charts.accent()),
        norm_charts.Line("one class", series(found, "one class"), norm_charts.tint("group")),
    ]


def _live_modes(live: dict) -> list[norm_charts.Line]:
    return [
        norm_charts.Line(f"{kind}, here", live[kind], color, "dot", 1.0, markers=True)
        for kind, color in (("mixed", charts.accent()), ("one class", norm_charts.tint("group")))
    ]


def _measure(subject: Subject) -> None:
    """Measure one point after the other; each is kept for all visitors."""
    cases = [("mixed", size) for size in SIZES] + [("one class", size) for size in ONE_CLASS_SIZES]
    points: dict = {"mixed": [], "one class": []}
    bar = st.progress(0.0)
    for number, (kind, size) in enumerate(cases):
        bar.progress(number / len(cases), f"Batches of {size}, {kind}")
        value = accuracy_of(subject, subject.key, "batch", size, kind == "one class")
        points[kind].append((size, value))
    bar.empty()
    points["running"] = accuracy_of(subject, subject.key, "running", MEASURED, False)
    st.session_state["bn.modes"] = points


@st.cache_data(show_spinner=False, max_entries=4)
def flipping(_subject: Subject, key: str) -> np.ndarray:
    """Return sample images, those first that are right evaluated and wrong in a small batch."""
    order = _recorded(_subject).get("order")
    if order is not None:
        return order
    return companies.flipping(_subject.network, _subject.inputs, _subject.labels)


@st.cache_data(show_spinner=False, max_entries=200)
def answers_in(_subject: Subject, key: str, index: int, size: int) -> np.ndarray:
    """Return the probabilities (draws, K) of an image in several batches of this size."""
    answers = _recorded(_subject).get(f"{index} {size}")
    if answers is not None:
        return answers
    return companies.answers_in(_subject.network, _subject.inputs, index, size)


def _recorded(subject: Subject) -> Mapping[str, np.ndarray]:
    info = zoo.info(subject.name)
    return companies.recorded(subject.name, info.sha256, info.image_set)


@st.cache_data(show_spinner=False, max_entries=200)
def evaluated(_subject: Subject, key: str, index: int) -> list[float]:
    """Return the probabilities of an image in evaluation mode."""
    found = softmax(batch_norm.logits(_subject.network, _subject.inputs[index : index + 1]))
    return [float(p) for p in found[0]]


@st.cache_data(show_spinner=False, max_entries=100)
def accuracy_of(_subject: Subject, key: str, statistics: str, size: int, one_class: bool) -> float:
    """Return the accuracy on the sample images in one mode."""
    return batch_norm.accuracy(
        _subject.network,
        _subject.inputs[:MEASURED],
        _subject.labels[:MEASURED],
        statistics=statistics,
        batch_size=size,
        one_class=one_class,
    ).accuracy
