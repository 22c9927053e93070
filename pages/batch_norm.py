"""BatchNorm: what it does, how it helps, where it belongs; measured, live and recorded."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import entry_guard, loaded_models
from pages.sections.batch_norm import (
    live_folding,
    live_steps,
    live_training,
    recorded_figures,
    recorded_series,
    short_answer,
    train_or_eval,
)
from zoo import batch_norm
from zoo.samples.sets import image_set

entry_guard.ensure("pages/batch_norm.py")
model = loaded_models.classifier("cifar10")
weights = zoo.info(model.name).sha256
names = batch_norm.layer_names(model.network)
found = {name: recorded_series.recorded(name) for name in recorded_figures.RECORDED}


def show_recorded(name: str) -> None:
    """Draw a recorded experiment, if there is one."""
    if (experiment := found[name]) is not None:
        recorded_figures.RECORDED[name](experiment)


st.title("BatchNorm", anchor=False)
st.markdown(
    "Does it help, how, and would you use it in every layer? Here is one at work inside a trained "
    "network, and what is said about it beside what was measured."
)

st.header("What it does: three steps", anchor="steps")
st.markdown(
    "A convolution gives each channel a number for every place of every image. BatchNorm takes "
    "all numbers of a channel in the batch, **subtracts** their mean μ, **divides** by their "
    "standard deviation (ε keeps that from being zero), then **scales** by γ and **shifts** by "
    "β, which the "
    f"network learns. The network that names objects has {len(names)} such layers. Look into one:"
)
live_steps.show(model, weights)

st.header("Training is not evaluation", anchor="modes")
st.markdown(
    "In training, mean and variance come from the batch, so the answer to an image depends on the "
    "images beside it. While it trains, the layer keeps running averages of both; in evaluation "
    "it uses those, and every image is answered for itself."
)
train_or_eval.batch_dependence(model, weights)
st.markdown(
    "Forget to switch (`model.eval()` in PyTorch) and the accuracy depends on the batch: on its "
    "size, and on whether it is as mixed as in training."
)
train_or_eval.modes(model, weights)

st.header("Does it train faster?", anchor="race")
st.markdown(live_training.legend())
live_training.show()
show_recorded("batch_norm_speed")
show_recorded("batch_norm_longer")

if found["batch_norm_statistics"] is not None:
    st.header("Why does it help?", anchor="why")
    st.markdown(
        "The paper that introduced it says: because it reduces *internal covariate shift*, the "
        "change of a layer's inputs while the layers in front of it learn (Ioffe & Szegedy 2015). "
        "Santurkar et al. 2018 measured that shift, found little to do with it, and found instead "
        "a *smoother loss*: along the gradient, loss and gradient change less, so that a step does "
        "what it promises. Both are measured here, while the same network trains with BatchNorm "
        "and without."
    )
    show_recorded("batch_norm_statistics")
if found["batch_norm_batch_size"] is not None:
    st.header("Small batches", anchor="batches")
    st.markdown(
        "The mean of few images is a poor estimate. GroupNorm takes its statistics from one "
        "image and does not see the batch at all (Wu & He 2018)."
    )
    show_recorded("batch_norm_batch_size")
if found["batch_norm_where"] is not None:
    st.header("Where does it belong?", anchor="where")
    st.markdown(
        "In front of the activation or behind it, with a bias in the convolution, on the output "
        "layer, in a residual network: each changed alone, the rest kept."
    )
    show_recorded("batch_norm_where")

st.header("At inference it disappears", anchor="folding")
st.markdown(
    "In evaluation μ, σ, γ and β are fixed, so BatchNorm is one factor and one shift a channel. "
    "Both go into the convolution in front of it:"
)
st.latex(
    r"W' = \frac{\gamma}{\sqrt{\sigma^2+\varepsilon}}\,W, \qquad "
    r"b' = \beta - \frac{\gamma\,\mu}{\sqrt{\sigma^2+\varepsilon}}"
)
live_folding.show(model, weights)

if answers := short_answer.short_answer():
    st.header("So: would you use it in every layer?", anchor="answer")
    recorded_figures.show_answers(answers)
claims = recorded_figures.claims(live_folding.folded())
if claims:
    st.header("Claims and measurements", anchor="claims")
    recorded_figures.show_claims(claims)
st.caption(f"Sample images: {image_set('cifar10').credit}. Digits: {image_set('mnist').credit}.")
