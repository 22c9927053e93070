"""The live answer of a classifier: label, confidence, what the network sees, a bar a class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pages.components.register import component

_mount = component("class_answer", shared=("ask_first",))


def draw(key: str, number: int, said: Mapping[str, Any]) -> None:
    """Draw an answer, or the reason why there is none.

    Args:
        key: Streamlit's key.
        number: Which answer this is, counted by the page; tests and benchmarks wait for it.
        said: From `answer_contents`.
    """
    _mount(key=key, data={"number": number, **said})
