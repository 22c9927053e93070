"""BatchNorm: the verdicts first, then one at work, live and recorded."""

from __future__ import annotations

import re

import streamlit as st

from pages.common import entry_guard
from pages.sections.batch_norm import (
    channel_choice,
    claims,
    in_code,
    live_folding,
    live_steps,
    live_training,
    norm_inputs,
    reasons,
    recorded_figures,
    recorded_series,
    section_frame,
    train_or_eval,
)
from zoo.samples.sets import image_set

entry_guard.ensure("pages/batch_norm.py")
channel_choice.on_link()
live_training.on_link()
RECORDS = ("modes", "race", "speed", "statistics", "batch_size", "where", "depth")
found = {name: recorded_series.recorded(f"batch_norm_{name}") for name in RECORDS}

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
    "Deep": "depth" if found["depth"] else "",
    "Fold it": "folding",
    "In code": "code",
}
row = " · ".join(f"[{title}](#{anchor})" for title, anchor in links.items() if anchor)
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.markdown(row, width="content")
    if verdicts:
        recorded_figures.rule()

subject = norm_inputs.subject("cifar10")
section_frame.header("See it", "steps")
at_work, shared, running = st.tabs(["γ and β at work", "What shares a mean", "The running mean"])
with at_work:
    live_steps.show(
        "BatchNorm gives each channel mean 0 and variance 1; a learned γ scales, a learned β "
        "shifts. **Move γ.**",
        linked=True,
    )
with shared:
    live_steps.shared()
with running:
    live_steps.running()

section_frame.header("train() is not eval()", "modes", found["modes"])
st.markdown("train() takes mean and variance of the batch, eval() the running ones.")
left, right = st.columns(2, gap="medium")
with left:
    train_or_eval.batch_dependence(subject)
with right:
    train_or_eval.modes(subject)

section_frame.header("Race", "race", found["race"], found["speed"])
st.markdown(live_training.legend())
left, right = st.columns(2, gap="medium")
with left:
    live_training.show()
if found["speed"] is not None:
    with right:
        recorded_figures.speed(found["speed"])

if found["statistics"] is not None:
    section_frame.header("Why does it help?", "why", found["statistics"])
    reasons.show(found["statistics"], {claim.claim: claim for claim in verdicts})

left, right = st.columns(2, gap="medium")
if found["where"] is not None:
    with left:
        section_frame.header("In every layer?", "where", found["where"])
        st.caption("A dot a seed; in brackets the learning rate. Mind the two axes.")
        recorded_figures.places(found["where"], "bn.places")
if found["batch_size"] is not None:
    with right:
        section_frame.header("Small batches", "batches", found["batch_size"])
        st.caption(recorded_figures.beside_published(found["batch_size"]))
        recorded_figures.small_batches(found["batch_size"])

left, right = st.columns(2, gap="medium")
if found["depth"] is not None:
    with left:
        section_frame.header("In a deep network", "depth", found["depth"])
        st.caption("20 layers; a dot a seed, in brackets the learning rate.")
        recorded_figures.places(found["depth"], "bn.depth")
with right:
    section_frame.header("Fold it", "folding")
    st.markdown(
        "In eval() all four are constants, and the convolution in front can take them over. With "
        r"$a = \gamma / \sqrt{\sigma^2+\varepsilon}$:"
    )
    st.latex(r"W' = a\,W, \qquad b' = \beta - a\,\mu")
    live_folding.show(subject)

in_code.show()
credits = f"Sample images: {image_set('cifar10').credit}. Digits: {image_set('mnist').credit}."
credits = re.sub(r", (https?://[^\s;]+[\w/])", r" ([page](\1))", credits)
st.markdown(f":small[{credits}]")  # no caption: it holds addresses
