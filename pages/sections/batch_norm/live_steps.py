"""The three steps of one BatchNorm layer of a trained network, and what its γ and β decide."""

from __future__ import annotations

import numpy as np
import streamlit as st

import zoo
from pages.common import charts, number_format
from pages.sections.batch_norm import norm_charts, norm_inputs
from zoo import batch_norm
from zoo.samples.sets import image_set

BATCHES = (4, 16, 64)  # images that the steps are shown on
REACH = 3.0  # how far the sliders go from the network's own γ and β


@st.fragment
def show(model: zoo.Classifier, weights: str) -> None:
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
    """Let somebody choose; return layer, channel, images, number of the batch, statistics."""
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
        "Images in the batch", BATCHES, default=BATCHES[1], required=True, key="bn.count"
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
         f"Mean {_zero(shown.normalized.mean()):.2f}, standard deviation "
         f"{shown.normalized.std():.2f}."),
        (three, "After γ and β", shown.after, charts.accent(), (-outside, outside),
         f"Mean {_zero(shown.after.mean()):.2f}, standard deviation {shown.after.std():.2f}."),
    ):  # fmt: skip
        with column:
            st.markdown(f"**{title}**")
            charts.show(
                norm_charts.histogram(values, color, limits),
                key=f"bn.histogram.{title}",
                alt=f"Histogram of the channel's values, {title.lower()}. {caption}",
            )
            st.caption(caption)


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
    st.caption("With the numbers of one value: the upper left corner of the first image's map.")


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
    """Draw what γ and β do to the answer to one image of the batch."""
    inputs, labels = (
        norm_inputs.inputs(model, weights)[indices],
        image_set("cifar10").labels[indices],
    )
    effect = batch_norm.effect(model.network, layer, inputs, channel, gamma, beta)
    chosen = norm_inputs.choose("bn.image", indices)
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
        f"The answer {verb} ({number_format.percent(float(before.max()))} → "
        f"{number_format.percent(float(after.max()))}). Of the {len(indices)} images in the batch "
        f"{right[0]} → {right[1]} are right."
    )
    charts.show(
        norm_charts.answers(model.labels, before, after),
        key="bn.answers",
        alt=f"Probability of each class, as trained and with these γ and β; {first}, then {second}",
    )


def _next_batch() -> None:
    st.session_state["bn.batch"] = st.session_state.get("bn.batch", 0) + 1


@st.cache_resource(show_spinner=False, max_entries=8)
def steps_of(
    _model: zoo.Classifier, weights: str, layer: str, count: int, number: int
) -> batch_norm.Steps:
    """Return what a layer is given for a batch of so many images, the batch with this number."""
    inputs = norm_inputs.inputs(_model, weights)[batch_indices(count, number)]
    return batch_norm.three_steps(_model.network, layer, inputs)


def batch_indices(count: int, number: int) -> np.ndarray:
    """Return the sample images in the batch with this number."""
    total = len(image_set("cifar10"))
    return (np.arange(count) + count * number) % total


def _zero(value: float) -> float:
    """Return 0.0 for what would be written as "-0.00"."""
    return 0.0 if abs(value) < 0.005 else float(value)


def _bracketed(value: float) -> str:
    """Write a number for a formula, a negative one in brackets."""
    return f"({value:.2f})" if value < 0 else f"{value:.2f}"
