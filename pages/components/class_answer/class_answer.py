"""The live answer of a classifier: label, confidence, what the network sees, a bar a class."""

from __future__ import annotations

import numpy as np

import zoo
from pages.components.class_answer import answer_contents
from pages.components.register import component

_mount = component("class_answer", shared=("ask_first",))


def show(
    key: str,
    number: int,
    result: zoo.Classification,
    sees: np.ndarray,
    place: str,
    top: int | None = None,
    note: str = "",
) -> None:
    """Draw an answer.

    Args:
        key: Streamlit's key.
        number: Which answer this is, counted by the page; tests and benchmarks wait for it.
        result: The answer.
        sees: uint8 array, the image that the network gets.
        place: Where the network ran, such as "NumPy on the CPU".
        top: Show so many classes, the most probable ones first; None: all, in their own order.
        note: Why to be careful with it, one sentence; "" if there is no reason. If the network is
            not `answer_contents.SURE` either, the answer gets a question mark and the colour of
            caution.
    """
    draw(key, number, answer_contents.answer(result, sees, place, top, note))


def show_problem(key: str, number: int, labels: tuple[str, ...], message: str) -> None:
    """Draw the place of an answer with the reason why there is none.

    Args:
        key: Streamlit's key, the same as for :func:`show`.
        number: As for :func:`show`.
        labels: The classes.
        message: One sentence.
    """
    draw(key, number, answer_contents.problem(labels, message))


def draw(key: str, number: int, said: dict[str, object]) -> None:
    """Draw what :mod:`answer_contents` has made; key and number as for :func:`show`."""
    _mount(key=key, data={"number": number} | said)
