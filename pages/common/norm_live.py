"""What the BatchNorm page measures live on a trained network: its steps, its modes, folding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

import zoo
from pages.common import charts, format, norm_charts, picture, strip
from pages.common.picture import data_url as address
from zoo import batch_norm
from zoo.batch_norm import recorded
from zoo.images import normalize
from zoo.samples.sets import picture_set

BATCHES = (4, 16, 64)  # pictures that the three steps are shown on
SHOWN = 10  # of them, to choose one
COMPANIES = (1, 2, 4, 16)  # batch sizes, and how often each is drawn
DRAWS = 8
MEASURED = 256  # pictures behind a live point of the curve
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ONE_CLASS_SIZES = (4, 8, 16)
REACH = 3.0  # how far the sliders go from the network's own γ and β


# --- What is computed once for all visitors, by the hash of the weights. ---


@st.cache_resource(show_spinner=False, max_entries=2)
def pictures(_model: zoo.Classifier, weights: str) -> np.ndarray:
    """Return the network's inputs for the sample pictures, float32 (N, 3, H, W)."""
    size = _model.config["input"]
    images = picture_set("cifar10").images
    return np.stack([normalize(image, size["mean"], size["std"]) for image in images])


@st.cache_resource(show_spinner=False, max_entries=8)
def steps_of(
    _model: zoo.Classifier, weights: str, layer: str, count: int, number: int
) -> batch_norm.Steps:
    """Return what a layer is given for a batch of so many pictures, the batch with this number."""
    inputs = pictures(_model, weights)[batch_indices(count, number)]
    return batch_norm.three_steps(_model.network, layer, inputs)


@st.cache_data(show_spinner=False, max_entries=200)
def company_of(_model: zoo.Classifier, weights: str, index: int, size: int) -> np.ndarray:
    """Return the probabilities (draws, K) of a picture in several batches of this size."""
    inputs = pictures(_model, weights)
    others = np.delete(inputs, index, axis=0)
    draws = 1 if size == 1 else DRAWS
    return batch_norm.company(_model.network, inputs[index], others, size, draws, seed=size)


@st.cache_data(show_spinner=False, max_entries=200)
def evaluated(_model: zoo.Classifier, weights: str, index: int) -> list[float]:
    """Return the probabilities of a picture in evaluation mode."""
    result = _model.predict(picture_set("cifar10").images[index])
    return [float(p) for p in result.probabilities]


@st.cache_data(show_spinner=False, max_entries=100)
def accuracy_of(
    _model: zoo.Classifier, weights: str, statistics: str, size: int, one_class: bool
) -> float:
    """Return the accuracy on the sample pictures in one mode."""
    return batch_norm.accuracy(
        _model.network,
        pictures(_model, weights)[:MEASURED],
        picture_set("cifar10").labels[:MEASURED],
        statistics=statistics,
        batch_size=size,
        one_class=one_class,
    ).accuracy


def batch_indices(count: int, number: int) -> np.ndarray:
    """Return the sample pictures in the batch with this number."""
    total = len(picture_set("cifar10"))
    return (np.arange(count) + count * number) % total


# --- 1: the three steps. ---


@st.fragment
def three_steps(model: zoo.Classifier, weights: str) -> None:
    """Draw one channel of one layer before, between and after, and what its γ and β decide."""
    layer, channel, count, number, statistics = _choose(model)
    steps = steps_of(model, weights, layer, count, number)
    own = steps.channel(channel, statistics)
    place = f"{layer}.{channel}"
    gamma = st.session_state.setdefault(f"bn.gamma.{place}", round(own.gamma, 2))
    beta = st.session_state.setdefault(f"bn.beta.{place}", round(own.beta, 2))
    shown = steps.channel(channel, statistics, gamma, beta)
    _histograms(shown)
    _formula(shown)
    left, right = st.columns([5, 7], gap="large")
    with left:
        _sliders(steps, own, place)
    with right:
        _effect(model, weights, layer, channel, gamma, beta, batch_indices(count, number))


def _choose(model: zoo.Classifier) -> tuple[str, int, int, int, str]:
    """Let somebody choose; return layer, channel, pictures, number of the batch, statistics."""
    names = batch_norm.layer_names(model.network)
    first, second, third, fourth = st.columns([3, 3, 3, 3], gap="medium")
    layer = first.selectbox(
        "Layer",
        names,
        format_func=lambda name: f"{names.index(name) + 1} of {len(names)}: {name}",
        key="bn.layer",
    )
    channels = model.network.get_submodule(layer).num_features
    channel = second.slider("Channel", 0, channels - 1, 0, key=f"bn.channel.{layer}")
    count = third.segmented_control(
        "Pictures in the batch", BATCHES, default=BATCHES[1], required=True, key="bn.count"
    )
    statistics = fourth.segmented_control(
        "Statistics",
        ("batch", "running"),
        default="batch",
        required=True,
        key="bn.statistics",
        help="Training normalizes with the statistics of the batch; evaluation with running means "
        "that the layer gathered in training.",
    )
    return layer, channel, int(count), st.session_state.get("bn.batch", 0), str(statistics)


def _histograms(shown: batch_norm.Channel) -> None:
    one, two, three = st.columns(3, gap="medium")
    reach = 4 * max(np.sqrt(shown.variance), 1e-3)
    outside = max(4.0, 4 * abs(shown.gamma) + abs(shown.beta))
    for column, title, values, color, limits, caption in (
        (one, "Before", shown.before, charts.quiet(),
         (shown.mean - reach, shown.mean + reach),
         f"{shown.before.size:,} values: μ = {shown.mean:.3f}, σ² = {shown.variance:.3f}. "
         f"Running: {shown.running_mean:.3f}, {shown.running_variance:.3f}."),
        (two, "Normalized", shown.normalized, charts.accent(), (-4.0, 4.0),
         f"Mean {_zero(shown.normalized.mean()):.2f}, deviation {shown.normalized.std():.2f}."),
        (three, "After γ and β", shown.after, charts.accent(), (-outside, outside),
         f"Mean {_zero(shown.after.mean()):.2f}, deviation {shown.after.std():.2f}."),
    ):  # fmt: skip
        column.markdown(f"**{title}**")
        column.plotly_chart(
            norm_charts.histogram(values, color, limits),
            config=charts.CONFIG,
            key=f"bn.histogram.{title}",
            alt=f"Histogram of the channel's values, {title.lower()}. {caption}",
        )
        column.caption(caption)


def _formula(shown: batch_norm.Channel) -> None:
    """Write the formula, then with the numbers of the first value on the screen."""
    x, normalized, y = (float(v[0]) for v in (shown.before, shown.normalized, shown.after))
    st.latex(
        r"\hat{x} = \frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}} \qquad y = \gamma\,\hat{x}+\beta"
    )
    left, right = st.columns(2, vertical_alignment="center")
    left.latex(
        rf"{normalized:.2f} = \frac{{{x:.2f}-{_bracketed(shown.mean)}}}"
        rf"{{\sqrt{{{shown.variance:.2f}+{shown.eps:.5f}}}}}"
    )
    right.latex(
        rf"{y:.2f} = {shown.gamma:.2f}\cdot {_bracketed(normalized)}+{_bracketed(shown.beta)}"
    )
    st.caption("With the numbers of one value: the upper left corner of the first picture's map.")


def _sliders(steps: batch_norm.Steps, own: batch_norm.Channel, place: str) -> None:
    def reset() -> None:
        st.session_state[f"bn.gamma.{place}"] = round(own.gamma, 2)
        st.session_state[f"bn.beta.{place}"] = round(own.beta, 2)

    st.markdown("**Turn γ and β of this channel**")
    for name, symbol, value in (("gamma", "γ", own.gamma), ("beta", "β", own.beta)):
        st.slider(
            f"{symbol} (trained: {value:.2f})",
            round(value - REACH, 2),
            round(value + REACH, 2),
            step=0.01,
            key=f"bn.{name}.{place}",
        )
    st.button("As trained", on_click=reset, icon=":material/undo:", key="bn.reset")
    st.caption(
        "This network's training kept every γ at 1 and learned the β."
        if not steps.trained_gamma
        else "Both were learned: with γ = σ and β = μ the layer could undo the normalization."
    )


def _effect(
    model: zoo.Classifier,
    weights: str,
    layer: str,
    channel: int,
    gamma: float,
    beta: float,
    indices: np.ndarray,
) -> None:
    """Draw what γ and β do to the answer to one picture of the batch."""
    inputs, labels = pictures(model, weights)[indices], picture_set("cifar10").labels[indices]
    effect = batch_norm.effect(model.network, layer, inputs, channel, gamma, beta)
    chosen = min(st.session_state.get("bn.picture", 0), len(indices) - 1, SHOWN - 1)
    _strip("bn.strip", indices[:SHOWN], chosen, _on_pick)
    st.button(
        "Another batch",
        on_click=_next_batch,
        icon=":material/shuffle:",
        key="bn.next",
        type="tertiary",
    )
    before, after = effect.before[chosen], effect.after[chosen]
    first, second = (model.labels[int(p.argmax())] for p in (before, after))
    right = effect.right(labels)
    verb = f"stays **{first}**" if first == second else f"turns from {first} to **{second}**"
    st.markdown(
        f"The answer {verb} ({format.percent(float(before.max()))} → "
        f"{format.percent(float(after.max()))}). Of the {len(indices)} pictures in the batch "
        f"{right[0]} → {right[1]} are right."
    )
    st.plotly_chart(
        norm_charts.answers(model.labels, before, after),
        config=charts.CONFIG,
        key="bn.answers",
        alt=f"Probability of each class, as trained and with these γ and β; {first}, then {second}",
    )


def _next_batch() -> None:
    st.session_state["bn.batch"] = st.session_state.get("bn.batch", 0) + 1


def _on_pick() -> None:
    if (chosen := strip.picked("bn.strip")) is not None and chosen.isdigit():
        st.session_state["bn.picture"] = int(chosen)


# --- 2: training against evaluation. ---


@st.fragment
def company(model: zoo.Classifier, weights: str) -> None:
    """Draw how the answer to one picture depends on the batch, if its statistics are used."""
    left, right = st.columns([5, 7], gap="large", vertical_alignment="center")
    chosen = min(st.session_state.get("bn.company", 0), SHOWN - 1)
    found = picture_set("cifar10")
    label = int(found.labels[chosen])
    with left:
        _strip("bn.companions", np.arange(SHOWN), chosen, _on_company)
        image = picture.png(found.images[chosen], 5)
        st.image(image, caption=f"Truth: {found.names[label]}", width=160)
    alone = evaluated(model, weights, chosen)[label]
    with right, st.spinner("The network answers …", show_time=False):
        rows = {
            f"batch of {size}": company_of(model, weights, chosen, size)[:, label]
            for size in COMPANIES
        }
        st.markdown(f"**How sure the network is of “{found.names[label]}”**")
        st.plotly_chart(
            norm_charts.dots(
                {name: [float(p) for p in row] for name, row in rows.items()},
                dict.fromkeys(rows, charts.accent()),
                marker=alone,
            ),
            config=charts.CONFIG,
            key="bn.company.chart",
            alt=f"Probability of the true class in batches of different pictures; {alone:.2f} in "
            "evaluation mode",
        )
        st.caption(
            f"Dotted line: evaluation mode, always {format.percent(alone)}. Dots: training mode; "
            f"each is the same picture among other pictures, drawn {DRAWS} times for each size."
        )


def _on_company() -> None:
    if (chosen := strip.picked("bn.companions")) is not None and chosen.isdigit():
        st.session_state["bn.company"] = int(chosen)


@st.fragment
def modes(model: zoo.Classifier, weights: str) -> None:
    """Draw accuracy by batch size: measured now on some pictures, and recorded on all of them."""
    found = recorded.recorded("batch_norm_modes")
    if st.button(
        f"Measure it now on {MEASURED} pictures", icon=":material/speed:", key="bn.measure"
    ):
        _measure(model, weights)
    lines = [] if found is None else _recorded_modes(found)
    if live := st.session_state.get("bn.modes"):
        for name, points in live.items():
            dash = "solid" if name == "mixed" else "dash"
            color = charts.accent() if name == "mixed" else norm_charts.tint("group")
            title = {"mixed": "Measured now, mixed", "one class": "Measured now, one class"}[name]
            lines.append(norm_charts.Line(title, points, color, dash, markers=True))
        running = accuracy_of(model, weights, "running", MEASURED, False)
        edges = [(SIZES[0], running), (SIZES[-1], running)]
        lines.append(norm_charts.Line("Evaluation mode, now", edges, charts.quiet(), "dot"))
    if not lines:
        return
    st.plotly_chart(
        norm_charts.lines(
            lines,
            norm_charts.Axis("Pictures in the batch", log=True, ticks=SIZES, limits=(0.9, 300)),
            norm_charts.Axis("", ".0%"),
            height=300,
        ),
        config=charts.CONFIG,
        key="bn.modes.chart",
        alt="Accuracy by batch size, with the statistics of the batch",
    )
    if found is not None:
        st.caption(f"{found.finding} Measured on {found.raw['measured_on']}.")


def _recorded_modes(found: zoo.Experiment) -> list[norm_charts.Line]:
    running = next(row["accuracy"] for row in found.rows if row["statistics"] == "running")
    edges = [(SIZES[0], running), (SIZES[-1], running)]
    accent, gray, amber = charts.accent(), charts.quiet(), norm_charts.tint("group")
    return [
        norm_charts.Line("Evaluation mode", edges, gray, "dash", 1.5),
        norm_charts.Line("Recorded, mixed", recorded.modes(found, "mixed"), f"{accent}a0"),
        norm_charts.Line("Recorded, one class", recorded.modes(found, "one class"), f"{amber}a0"),
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


# --- 7: folding. ---


@st.fragment
def folding(model: zoo.Classifier, weights: str) -> None:
    """Fold the network on demand, and compare outputs and speed."""
    count = st.segmented_control(
        "Pictures at a time", (1, 16), default=1, required=True, key="bn.fold.count"
    )
    if st.button("Fold and measure", icon=":material/compress:", key="bn.fold"):
        inputs = pictures(model, weights)[: int(count)]
        with st.spinner("Folding, and timing both in turns …"):
            try:
                folded = batch_norm.fold(model.network, inputs[:1])
            except zoo.ZooError as error:
                st.error(str(error))
                return
            compared = batch_norm.compare(model.network, folded.network, inputs)
        st.session_state["bn.folded"] = (folded.pairs, folded.kept, compared, int(count))
        st.rerun()  # the table of claims, outside this fragment, has one more
    if "bn.folded" not in st.session_state:
        return
    pairs, kept, compared, measured = st.session_state["bn.folded"]
    with st.container(horizontal=True, gap="medium"):
        st.metric("Largest difference of the logits", f"{compared.max_difference:.1e}")
        st.metric("With BatchNorm", format.duration(compared.before))
        st.metric("Folded", format.duration(compared.after))
        st.metric("Speed", f"× {compared.ratio:.2f}")
    left = f" {', '.join(kept)} cannot be folded: γ ≤ 0 behind a pooling layer." if kept else ""
    st.caption(
        f"{len(pairs)} BatchNorm layers disappeared into the convolutions before them, for example "
        f"{pairs[0][1]} into {pairs[0][0]}.{left} The largest logit is {compared.largest:.2f}. "
        f"Median of 7 passes, {measured} picture{'s' if measured > 1 else ''} at a time, on the "
        f"{model.device.upper()}, while others may use it too."
        if pairs
        else f"No layer could be folded.{left}"
    )


def folded() -> batch_norm.Comparison | None:
    """Return the comparison that this visitor asked for last, or None."""
    kept = st.session_state.get("bn.folded")
    return None if kept is None else kept[2]


def _strip(key: str, indices: np.ndarray, chosen: int, on_pick: Callable[[], None]) -> None:
    """Draw sample pictures to choose from; their ids are their places in the row."""
    found = picture_set("cifar10")
    items = [
        strip.Item(
            id=str(place),
            picture=address(picture.png(found.images[index])),
            description=f"Picture {place + 1}: {found.names[found.labels[index]]}",
        )
        for place, index in enumerate(indices)
    ]
    strip.show(key, {"Choose a picture": items}, str(chosen), on_pick)


def _zero(value: float) -> float:
    """Return 0.0 for what would be written as "-0.00"."""
    return 0.0 if abs(value) < 0.005 else float(value)


def _bracketed(value: float) -> str:
    """Write a number for a formula, a negative one in brackets."""
    return f"({value:.2f})" if value < 0 else f"{value:.2f}"
