"""Code that loads a model and asks it, a tab a way, each with what it prints."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

import zoo
from pages.common import command_line
from pages.sections.weights.example_answers import Printed
from zoo import snippets
from zoo.weights import hub


@dataclass(frozen=True)
class Way:
    """One way to do it.

    Attributes:
        title: Of its tab.
        code: Runs as it stands.
        language: Of the code.
        output: What it prints.
        needs: What has to be there first.
    """

    title: str
    code: str
    language: str
    output: str
    needs: str


def ways(model: zoo.Model, printed: Printed | None) -> list[Way]:
    """Return the ways to load a model."""
    name, repo, found = model.name, hub.repository(), model.preprocessing
    file = snippets.example_file(name)
    torch = "" if zoo.info(name).framework == "numpy" else '".[torch]"'
    install = f"In a checkout of this project, after `pip install {torch or '.'}`"
    made = [
        Way("zoo", snippets.library(name, repo), "python", _of(printed, "library"), install),
        Way(
            "PyTorch alone",
            snippets.plain(name, preprocessing=found if file else None),
            "python",
            _of(printed, "plain"),
            "The files above in one folder, and `pip install torch safetensors pillow numpy`",
        ),
    ]
    if repo:
        pinned = snippets.plain(name, repo, model.revision)
        text = "`pip install torch safetensors huggingface-hub`; `network.py` is code: read it"
        made += [Way("From the Hub", pinned, "python", "", text)]
    return [
        *made,
        Way(
            "torch.hub",
            snippets.torch_hub(name, preprocessing=found),
            "python",
            _of(printed, "shape"),
            'In a checkout of this project, after `pip install ".[torch]"`',
        ),
        Way(
            "Command line",
            snippets.command(name, repo, snippets.sample_path(name)),
            "bash",
            _of(printed, "command"),
            install,
        ),
    ]


def show(shown: list[Way]) -> None:
    """Draw a tab a way."""
    for tab, way in zip(st.tabs([way.title for way in shown]), shown, strict=True):
        with tab:
            st.markdown(f"{way.needs}:")
            if way.language == "bash":
                command_line.show(way.code)
            else:
                st.code(way.code, language=way.language, wrap_lines=True)
            if way.output:
                output(way.output)


def output(text: str) -> None:
    """Draw what code prints."""
    with st.container(gap="xxsmall"):
        st.caption("prints")
        st.code(text, language=None, wrap_lines=True)


def _of(printed: Printed | None, kind: str) -> str:
    return "" if printed is None else str(getattr(printed, kind))
