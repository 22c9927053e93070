"""A confusion matrix: the errors in colour, the right answers in gray; cells open their images."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import streamlit as st

from pages.components.register import component

Cell = tuple[int, int]  # true class, answer
_mount = component("confusion_matrix")


def show(
    key: str,
    labels: Sequence[str],
    counts: Sequence[Sequence[int]],
    examples: Collection[Cell],
    chosen: Cell | None,
    on_open: Callable[[], None],
    target: str,
) -> None:
    """Draw the matrix.

    Args:
        key: Streamlit's key.
        labels: The classes.
        counts: Row: the true class; column: the answer.
        examples: The cells that can be opened.
        chosen: The one that is.
        on_open: Called when somebody opens a cell; ask :func:`opened` there.
        target: Key of the element that a click scrolls to.
    """
    opens = " Click a number to see them." if examples else ""
    data = {
        "title": "Confusion matrix of the test images; row: truth, column: answer",
        "labels": list(labels),
        "counts": [list(row) for row in counts],
        "examples": sorted(examples),
        "chosen": chosen,
        "hint": f"Rows: truth. Columns: answers.{opens}",
        "target": target,
    }
    _mount(key=key, data=data, on_opened_change=on_open)


def opened(key: str, classes: int) -> Cell | None:
    """Return which cell was just opened, inside ``on_open``, or None if it makes no sense.

    Args:
        key: The matrix's key.
        classes: How many there are.
    """
    state = st.session_state.get(key)
    value = state.get("opened") if isinstance(state, Mapping) else None
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return None
    row, column = value
    if any(type(n) is not int or not 0 <= n < classes for n in (row, column)):
        return None
    return (row, column)
