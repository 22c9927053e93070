"""Use the weights: what each model is, its files, code with its output, and HTTP."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import entry_guard, loaded_models
from pages.sections.weights import (
    example_answers,
    model_facts,
    over_http,
    ways_to_load,
    weight_files,
)

entry_guard.ensure("pages/use_the_weights.py")

_CHOICE = 360  # pixels wide


def choose() -> str:
    """Let the visitor choose a model; with a single one there is nothing to choose."""
    names = zoo.list_models(own=False)
    if len(names) == 1:
        return names[0]
    return str(st.selectbox("Model", names, key="model", width=_CHOICE, bind="query-params"))


st.title("Use the weights", anchor=False)
st.markdown("Every model loads in one line and is what it claims, byte for byte.")
model = loaded_models.load(choose())
printed = example_answers.printed(model)
model_facts.show(model, printed.seconds if printed else None)

st.header("Take it", anchor="files")
weight_files.show(model)

st.header("Load it", anchor="load")
ways_to_load.show(ways_to_load.ways(model, printed))

if printed:
    st.header("Ask it over HTTP", anchor="http")
    st.markdown("This server answers programs too, with the models that its pages use.")
    over_http.show(model, printed)

st.header("Cite it", anchor="cite")
model_facts.cite(model)
