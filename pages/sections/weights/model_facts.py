"""What a model is: how good, how fast, how large; what for, what not; whose."""

from __future__ import annotations

import streamlit as st

import zoo
from pages.common import number_format
from pages.sections import training_history
from zoo import records
from zoo.preprocessing.preprocessing import Preprocessing
from zoo.weights import hub
from zoo.weights.model_info import ModelInfo

_NOT_FOR = "Not for decisions that touch anybody's safety or rights."


def show(model: zoo.Model, seconds: float | None) -> None:
    """Draw the facts.

    Args:
        model: The model.
        seconds: An answer takes on this server; None: nobody has asked.
    """
    info = zoo.info(model.name)
    metric, value, n = records.headline(model.record)
    with st.container(horizontal=True, gap="medium", key="facts"):
        st.metric(
            f"Test {training_history.METRICS[metric]}, n = {n:,}", number_format.percent(value, 2)
        )
        if seconds is not None:
            st.metric(
                "An image takes",
                number_format.duration(seconds),
                help=f"The example below, on this server ({model.device}, one thread), measured "
                "when the server first showed this page.",
            )
        st.metric("Parameters", number_format.count(info.parameters))
        st.metric("Size", number_format.size(info.size))
    left, right = st.columns(2, gap="large")
    left.markdown(f"**{info.title}**, good for {_use(info)} {_NOT_FOR}")
    if info.limitations:
        left.markdown(f"**Limits.** {info.limitations}")
    right.markdown(f"**Input** {_shape(model.preprocessing)}; `zoo` prepares images by itself.")
    right.markdown(
        f"**License** {info.license} for the weights, trained on "
        f"[{info.data['name']}]({info.data['source']}) ({info.data['license']})."
    )
    right.markdown(f"**From** {origin(model)}")


def cite(model: zoo.Model) -> None:
    """Draw what to cite."""
    info = zoo.info(model.name)
    year = str(model.record["started"])[:4]
    where = f"https://huggingface.co/{info.repo}" if info.repo else "weights that ship with zoo"
    lines = [
        f"@misc{{cnn_lytical_{info.name.replace('-', '_')},",
        f"  title = {{CNN-Lytical: {info.name}, {info.task} on {info.data['name']}}},",
        f"  year = {{{year}}},",
        f"  howpublished = {{{where}}},",
        f"  note = {{model.safetensors, sha256 {info.sha256}}},",
        "}",
    ]
    st.code("\n".join(lines), language=None, wrap_lines=True)
    if source := model.config["data"].get("citation"):
        st.markdown(f"The data: {source}")


def origin(model: zoo.Model) -> str:
    """Say where the files are that run here."""
    repo = hub.repository()
    if model.revision:
        return f"revision `{model.revision}` of {_link(repo)}."
    if repo:
        return f"the bundle; published as {_link(repo)}."
    return "the code, which ships with them."


def _link(repo: str | None) -> str:
    return f"[{repo}](https://huggingface.co/{repo})"


def _use(info: ModelInfo) -> str:
    """Say what a model of its task is good for."""
    if info.task == "classification":
        named = ", ".join(info.labels)
        return f"telling {len(info.labels)} classes apart ({named}), teaching, experiments."
    return f"masks and cut-outs of a {info.labels[0]}, teaching, experiments."


def _shape(found: Preprocessing) -> str:
    """Say what the network's input is."""
    pairs = zip(found.mean, found.std, strict=True)
    scaled = ", ".join(f"{mean:g} ± {std:g}" for mean, std in pairs)
    if found.fixed_size:
        size = f"{found.channels} × {found.height} × {found.width} values in 0…1"
    else:
        size = (
            f"{found.channels} × height × width values in 0…1 of images whose longest side is "
            f"{found.longest_side}"
        )
    return f"{size}, normalized by mean ± standard deviation {scaled}"
