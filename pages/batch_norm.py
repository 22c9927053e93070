"""BatchNorm: the verdicts first, then one at work, live and recorded."""

from __future__ import annotations

import streamlit as st

from pages.common import entry_guard
from pages.sections.batch_norm import (
    claims,
    in_code,
    live_folding,
    live_steps,
    live_training,
    norm_inputs,
    reasons,
    recorded_figures,
    recorded_series,
    train_or_eval,
)
from zoo.samples.sets import image_set

entry_guard.ensure("pages/batch_norm.py")
live_training.on_link()
RECORDS = ("speed", "statistics", "batch_size", "where", "depth")
found = {name: recorded_series.recorded(f"batch_norm_{name}") for name in RECORDS}
subject = norm_inputs.subject("cifar10")

st.title("BatchNorm", anchor=False)
st.markdown(
    "How does it help, would you use it in every layer, and why? "
    + (recorded_figures.lead(found["speed"]) if found["speed"] else "")
)
if verdicts := claims.claims():
    recorded_figures.verdicts(verdicts)
links = {
    "See it": "steps",
    "train() and eval()": "modes",
    "Race": "race",
    "Why": "why" if found["statistics"] else "",
    "Where": "where" if found["where"] else "",
    "Small batches": "batches" if found["batch_size"] else "",
    "Fold it": "folding",
    "In code": "code",
}
row = " · ".join(f"[{title}](#{anchor})" for title, anchor in links.items() if anchor)
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.markdown(row, width="content")
    if verdicts:
        recorded_figures.rule()

st.header("See it", anchor="steps")
at_work, shared, running = st.tabs(["γ and β at work", "What shares a mean", "The running mean"])
with at_work:
    st.markdown(
        "Of a channel's values at all places of all images, BatchNorm takes the mean μ off, "
        "divides by the standard deviation σ, then scales and shifts by γ and β, which the "
        "network learns. "
        "**Move γ and watch the answer.**"
    )
    live_steps.show()
with shared:
    live_steps.shared()
with running:
    live_steps.running()

st.header("train() is not eval()", anchor="modes")
st.markdown(
    "In training the statistics are the batch's: the answer to an image depends on the images "
    "beside it. In evaluation they are the running ones."
)
left, right = st.columns(2, gap="medium")
with left:
    train_or_eval.batch_dependence(subject)
with right:
    train_or_eval.modes(subject)

st.header("Race", anchor="race")
st.markdown(live_training.legend())
left, right = st.columns(2, gap="medium")
with left:
    live_training.show()
if found["speed"] is not None:
    with right:
        recorded_figures.speed(found["speed"])

if found["statistics"] is not None:
    st.header("Why does it help?", anchor="why")
    st.markdown(
        "Because the inputs of a layer change less while the layers in front of it learn (Ioffe & "
        "Szegedy 2015)? Or because loss and gradient change less along a step, so that the step "
        "does what it promises (Santurkar et al. 2018)?"
    )
    reasons.show(found["statistics"], {claim.claim: claim for claim in verdicts})

left, right = st.columns(2, gap="medium")
if found["where"] is not None:
    with left:
        st.header("Where does it belong?", anchor="where")
        st.caption("A dot a seed; in brackets the learning rate.")
        recorded_figures.places(found["where"], "bn.places")
if found["batch_size"] is not None:
    with right:
        st.header("Small batches", anchor="batches")
        st.caption("The mean of few images is a poor estimate; GroupNorm does not see the batch.")
        recorded_figures.small_batches(found["batch_size"])
if found["depth"] is not None:
    st.header("In a deep network", anchor="depth")
    recorded_figures.places(found["depth"], "bn.depth")

st.header("Fold it", anchor="folding")
left, right = st.columns(2, gap="medium")
with left:
    st.markdown(
        "In evaluation μ, σ, γ and β are fixed: one factor and one shift a channel, which the "
        "convolution in front can take over."
    )
    st.latex(
        r"W' = \frac{\gamma}{\sqrt{\sigma^2+\varepsilon}}\,W, \qquad "
        r"b' = \beta - \frac{\gamma\,\mu}{\sqrt{\sigma^2+\varepsilon}}"
    )
with right:
    live_folding.show(subject)

st.header("In code", anchor="code")
in_code.show()
credits = f"Sample images: {image_set('cifar10').credit}. Digits: {image_set('mnist').credit}."
st.markdown(f":small[{credits}]")  # no caption: it holds addresses
