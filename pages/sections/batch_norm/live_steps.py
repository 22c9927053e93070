"""One BatchNorm layer of a trained network: its three steps, and what its γ and β decide."""

from __future__ import annotations

import numpy as np
import streamlit as st

import zoo
from pages.common import charts, number_format
from pages.components.norm_axes import norm_axes
from pages.components.running_mean import running_mean
from pages.sections import when_near
from pages.sections.batch_norm import channel_choice, kept_choices, norm_charts, norm_inputs
from pages.sections.batch_norm.channel_choice import ALL, ONE, REACH, SCOPE, ChosenChannel
from pages.sections.batch_norm.norm_inputs import Subject
from zoo import batch_norm

COUNT, FEWER = 64, 16  # images in the batch: fewer for a large network, which answers each time
LARGE = 1_000_000  # parameters
MOMENTA, MOMENTUM = (0.01, 0.1, 0.5), 0.1
HISTOGRAMS = 150  # pixels
ARRIVING = 40  # batches of the animation


@st.fragment
def show(words: str = "", linked: bool = False) -> None:
    """Draw one channel before, between and after, and what its γ and β decide.

    Args:
        words: above the choices.
        linked: whether the page's address holds what is chosen.
    """
    if words:
        st.markdown(words)
    left, right = st.columns([4, 8], gap="medium")
    with left:
        chosen = channel_choice.choose()
        large = zoo.info(chosen.subject.name).parameters > LARGE
        steps = steps_of(
            chosen.subject, chosen.subject.key, chosen.layer, FEWER if large else COUNT
        )
        scope = _sliders(chosen, steps.trained_gamma)
    if linked:
        channel_choice.hold_in_link(chosen, scope)
    gamma, beta = chosen.value("gamma"), chosen.value("beta")
    with right:
        _histograms(steps.channel(chosen.channel, "batch", gamma, beta))
        _effect(chosen, steps, gamma, beta, scope)


def _histograms(shown: batch_norm.Channel) -> None:
    reach = 4 * max(float(np.sqrt(shown.variance)), 1e-3)
    outside = max(4.0, 4 * abs(shown.gamma) + abs(shown.beta))
    around = (shown.mean - reach, shown.mean + reach)
    row = (
        norm_charts.Histogram(
            f"{shown.before.size:,} values x", shown.before, charts.quiet(), around
        ),
        norm_charts.Histogram(
            "(x − μ) / √(σ² + ε)", shown.normalized, charts.accent(), (-4.0, 4.0)
        ),
        norm_charts.Histogram("γ x̂ + β", shown.after, charts.accent(), (-outside, outside)),
    )
    words = (
        f"μ = {_two(shown.mean)} and σ = {np.sqrt(shown.variance):.2f} → mean "
        f"{_two(shown.normalized.mean())}, σ = {shown.normalized.std():.2f} → mean "
        f"{_two(shown.after.mean())}, σ = {shown.after.std():.2f}"
    )
    when_near.chart(
        norm_charts.histograms(row, HISTOGRAMS),
        key="bn.histograms",
        alt=f"Three histograms: before, normalized, after γ and β. {words}",
        height=HISTOGRAMS,
    )
    st.caption(words)


def _sliders(chosen: ChosenChannel, trained_gamma: bool) -> str:
    """Draw the sliders of γ and β; return what they move, :data:`ONE` or :data:`ALL`."""
    for name, symbol in (("gamma", "γ"), ("beta", "β")):
        own = chosen.own(name)
        chosen.value(name)
        st.slider(
            f"{symbol} (trained: {_two(own)})",
            round(own - REACH, 2),
            round(own + REACH, 2),
            step=0.01,
            key=chosen.key(name),
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        scope = kept_choices.begin(SCOPE, ONE)
        st.segmented_control(
            "Move", (ONE, ALL), required=True, key=SCOPE,
            help="Layer: every γ is multiplied as this one is, every β shifted as this one is.",
        )  # fmt: skip
        st.button("As trained", on_click=chosen.reset, key="bn.reset")
    if not trained_gamma:
        st.caption("This network's training kept every γ at 1 and learned β alone.")
    return str(scope)


def changed(
    steps: batch_norm.Steps, channel: int, gamma: float, beta: float, scope: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the layer's γ and β (C,) after the sliders have been moved.

    Args:
        steps: the layer.
        channel: whose sliders.
        gamma, beta: where they stand.
        scope: :data:`ONE` sets this channel's; :data:`ALL` multiplies every γ by the same factor
            and adds the same to every β.
    """
    gammas, betas = steps.gamma.astype(np.float64), steps.beta.astype(np.float64)
    if scope == ALL:
        own = float(steps.gamma[channel]) or 1.0
        gammas *= gamma / own
        betas += beta - float(steps.beta[channel])
    else:
        gammas[channel], betas[channel] = gamma, beta
    return gammas, betas


def _effect(
    place: ChosenChannel, steps: batch_norm.Steps, gamma: float, beta: float, scope: str
) -> None:
    """Draw what γ and β do to the answer to one image of the batch, and to all of them."""
    subject, layer, channel, count = place.subject, place.layer, place.channel, len(steps.before)
    effect = effect_of(subject, subject.key, layer, channel, gamma, beta, scope, count)
    order = most_shaken(subject, subject.key, layer, channel, count)
    chosen = norm_inputs.choose(f"bn.image.{subject.name}.{layer}.{channel}", subject, order)
    before, after = effect.before[chosen], effect.after[chosen]
    labels = subject.found.names
    first, second = (labels[int(p.argmax())] for p in (before, after))
    right = effect.right(subject.labels[:count])
    verb = f"stays **{first}**" if first == second else f"turns from {first} to **{second}**"
    st.markdown(
        f"The answer {verb} ({number_format.percent(float(before.max()))} → "
        f"{number_format.percent(float(after.max()))}). Of {count} images "
        f"{right[0]} → **{right[1]}** are right."
    )
    when_near.chart(
        norm_charts.answers(labels, before, after),
        key="bn.answers",
        alt=f"Probability of each class, as trained and with these γ and β; {first}, then {second}",
        height=norm_charts.answers_height(len(labels)),
    )


def shared() -> None:
    """Draw what the norms average over."""
    st.markdown("The cells in colour share one mean and one variance.")
    norm_axes.show("bn.axes")


def running() -> None:
    """Draw how a running mean, which evaluation uses, follows the batches."""
    name = norm_inputs.names()[0]
    subject = norm_inputs.subject(name)
    layer = batch_norm.layer_names(subject.network)[0]
    means, settled = arriving(subject, subject.key, layer)
    running_mean.show("bn.running", means, settled, MOMENTA, MOMENTUM)


@st.cache_resource(show_spinner=False, max_entries=8)
def steps_of(_subject: Subject, key: str, layer: str, count: int) -> batch_norm.Steps:
    """Return what a layer is given for the first so many images."""
    return batch_norm.three_steps(_subject.network, layer, _subject.inputs[:count])


@st.cache_data(show_spinner=False, max_entries=256)
def effect_of(
    _subject: Subject, key: str, layer: str, channel: int, gamma: float, beta: float, scope: str,
    count: int,
) -> batch_norm.Effect:  # fmt: skip
    """Return what the answers become once the sliders have been moved."""
    steps = steps_of(_subject, key, layer, count)
    gammas, betas = changed(steps, channel, gamma, beta, scope)
    return batch_norm.effect(_subject.network, layer, _subject.inputs[:count], gammas, betas)


@st.cache_data(show_spinner=False, max_entries=64)
def most_shaken(_subject: Subject, key: str, layer: str, channel: int, count: int) -> np.ndarray:
    """Return the batch's images, those first whose answer hangs most on a channel.

    That is how much of its probability the right class loses when γ changes its sign.
    """
    steps = steps_of(_subject, key, layer, count)
    gammas, betas = changed(
        steps, channel, -2.0 * np.sign(steps.gamma[channel]), float(steps.beta[channel]), ONE
    )
    found = batch_norm.effect(_subject.network, layer, _subject.inputs[:count], gammas, betas)
    rows, labels = np.arange(count), _subject.labels[:count]
    return np.argsort(found.after[rows, labels] - found.before[rows, labels], kind="stable")


@st.cache_data(show_spinner=False, max_entries=8)
def arriving(_subject: Subject, key: str, layer: str) -> tuple[list[float], float]:
    """Return a channel's means over small batches, and the running mean that the layer keeps.

    The channel is the one with the largest running mean, beside which the others are flat.
    """
    images = 8 * ARRIVING
    steps = batch_norm.three_steps(_subject.network, layer, _subject.inputs[:images])
    channel = int(np.argmax(np.abs(steps.running_mean)))
    values = steps.before[:, channel].reshape(ARRIVING, -1)
    return [float(mean) for mean in values.mean(axis=1)], float(steps.running_mean[channel])


def _two(value: float) -> str:
    """Write two decimals with a minus as wide as a plus, and no zero with a sign."""
    return f"{0.0 if abs(value) < 0.005 else value:.2f}".replace("-", "−")
