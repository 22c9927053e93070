"""Training against evaluation: a trained network's answers with the statistics of a batch."""

from __future__ import annotations

import numpy as np
import streamlit as st

import zoo
from pages.common import charts, number_format
from pages.images import encoding
from pages.sections.batch_norm import norm_charts, norm_inputs, recorded_series
from zoo import batch_norm
from zoo.samples.sets import image_set

COMPANIES = (1, 2, 4, 16)  # batch sizes, and how often each is drawn
DRAWS = 8
MEASURED = 256  # images behind a live point of the curve
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ONE_CLASS_SIZES = (4, 8, 16)


@st.fragment
def batch_dependence(model: zoo.Classifier, weights: str) -> None:
    """Draw how the answer to one image depends on the batch, if its statistics are used."""
    left, right = st.columns([5, 7], gap="large", vertical_alignment="center")
    found = image_set("cifar10")
    with left:
        chosen = norm_inputs.choose("bn.company", np.arange(len(found)))
        label = int(found.labels[chosen])
        image = encoding.png(found.images[chosen], 5)
        st.image(image, caption=f"Truth: {found.names[label]}", width=160)
    alone = evaluated(model, weights, chosen)[label]
    with right, st.spinner("The network answers …", show_time=False):
        rows = {
            f"batch of {size}": batch_dependence_of(model, weights, chosen, size)[:, label]
            for size in COMPANIES
        }
        st.markdown(f"**How sure the network is of “{found.names[label]}”**")
        charts.show(
            norm_charts.dots(
                {name: [float(p) for p in row] for name, row in rows.items()},
                dict.fromkeys(rows, charts.accent()),
                marker=alone,
            ),
            key="bn.company.chart",
            alt=f"Probability of the true class in batches of different images; {alone:.2f} in "
            "evaluation mode",
        )
        st.caption(
            f"Dotted line: evaluation mode, always {number_format.percent(alone)}. Dots: "
            f"training mode; "
            f"each is the same image among other images, drawn {DRAWS} times for each size."
        )


@st.fragment
def modes(model: zoo.Classifier, weights: str) -> None:
    """Draw accuracy by batch size: measured now on some images, and recorded on all of them."""
    found = recorded_series.recorded("batch_norm_modes")
    if st.button(f"Measure it now on {MEASURED} images", icon=":material/speed:", key="bn.measure"):
        _measure(model, weights)
    lines = [] if found is None else _recorded_modes(found)
    if live := st.session_state.get("bn.modes"):
        for name, color, dash in (
            ("mixed", charts.accent(), "solid"),
            ("one class", norm_charts.tint("group"), "dash"),
        ):
            title = f"Measured now, {name}"
            lines.append(norm_charts.Line(title, live[name], color, dash, markers=True))
        running = accuracy_of(model, weights, "running", MEASURED, False)
        edges = [(SIZES[0], running), (SIZES[-1], running)]
        lines.append(norm_charts.Line("Evaluation mode, now", edges, charts.quiet(), "dot"))
    if not lines:
        return
    charts.show(
        norm_charts.lines(
            lines,
            norm_charts.Axis("Images in the batch", log=True, ticks=SIZES, limits=(0.9, 300)),
            norm_charts.Axis("", ".0%"),
            height=300,
        ),
        key="bn.modes.chart",
        alt="Accuracy by batch size, with the statistics of the batch",
    )
    if found is not None:
        st.caption(f"{number_format.spaced(found.finding)} Measured on {found.raw['measured_on']}.")


def _recorded_modes(found: zoo.Experiment) -> list[norm_charts.Line]:
    running = next(row["accuracy"] for row in found.rows if row["statistics"] == "running")
    edges = [(SIZES[0], running), (SIZES[-1], running)]
    accent, gray, amber = charts.accent(), charts.quiet(), norm_charts.tint("group")
    return [
        norm_charts.Line("Evaluation mode", edges, gray, "dash", 1.5),
        norm_charts.Line("Recorded, mixed", recorded_series.modes(found, "mixed"), f"{accent}a0"),
        norm_charts.Line(
            "Recorded, one class", recorded_series.modes(found, "one class"), f"{amber}a0"
        ),
    ]


def _measure(model: zoo.Classifier, weights: str) -> None:
    """Measure one point after the other; each is kept for all visitors."""
    cases = [("mixed", size) for size in SIZES] + [("one class", size) for size in ONE_CLASS_SIZES]
    points: dict[str, list[norm_charts.Point]] = {"mixed": [], "one class": []}
    bar = st.progress(0.0)
    for number, (kind, size) in enumerate(cases):
        bar.progress(number / len(cases), f"Batches of {size}, {kind}")
        value = accuracy_of(model, weights, "batch", size, kind == "one class")
        points[kind].append((size, value))
    bar.empty()
    st.session_state["bn.modes"] = points


@st.cache_data(show_spinner=False, max_entries=200)
def batch_dependence_of(_model: zoo.Classifier, weights: str, index: int, size: int) -> np.ndarray:
    """Return the probabilities (draws, K) of an image in several batches of this size."""
    inputs = norm_inputs.inputs(_model, weights)
    others = np.delete(inputs, index, axis=0)
    draws = 1 if size == 1 else DRAWS
    return batch_norm.batch_dependence(
        _model.network, inputs[index], others, size, draws, seed=size
    )


@st.cache_data(show_spinner=False, max_entries=200)
def evaluated(_model: zoo.Classifier, weights: str, index: int) -> list[float]:
    """Return the probabilities of an image in evaluation mode."""
    result = _model.predict(image_set("cifar10").images[index])
    return [float(p) for p in result.probabilities]


@st.cache_data(show_spinner=False, max_entries=100)
def accuracy_of(
    _model: zoo.Classifier, weights: str, statistics: str, size: int, one_class: bool
) -> float:
    """Return the accuracy on the sample images in one mode."""
    return batch_norm.accuracy(
        _model.network,
        norm_inputs.inputs(_model, weights)[:MEASURED],
        image_set("cifar10").labels[:MEASURED],
        statistics=statistics,
        batch_size=size,
        one_class=one_class,
    ).accuracy
