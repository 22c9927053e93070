"""A table of texts. ``st.table`` would import pandas and Arrow for it: half a second, and 70 MB."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import streamlit as st

_LINE = "1px solid color-mix(in srgb, currentColor 16%, transparent)"
_CELL = (
    f"padding:0.3rem 0.75rem 0.3rem 0;text-align:left;white-space:nowrap;border:0;"
    f"border-bottom:{_LINE}"
)
_HEAD = f"{_CELL};font-weight:400;color:color-mix(in srgb, currentColor 78%, transparent)"
_TABLE = "width:100%;border-collapse:collapse;font-size:0.875rem;font-variant-numeric:tabular-nums"


def show(rows: Sequence[Mapping[str, str]], label: str) -> None:
    """Draw a table with a line below each row; one that is too wide scrolls by itself.

    Args:
        rows: Text by column, at least one row, all with the same columns.
        label: What it shows, for those who cannot see it.
    """
    head = "".join(f'<th scope="col" style="{_HEAD}">{html.escape(name)}</th>' for name in rows[0])
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    scrolls = f'role="region" aria-label="{html.escape(label)}" tabindex="0"'
    st.html(
        f'<div {scrolls} style="overflow-x:auto">'
        f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cells(row: Mapping[str, str]) -> str:
    return "".join(f'<td style="{_CELL}">{html.escape(text)}</td>' for text in row.values())
