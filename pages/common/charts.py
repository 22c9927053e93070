"""Plotly charts in the theme's colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    import plotly.graph_objects as go

CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": False}


def accent() -> str:
    """Return the theme's accent colour, for the theme that the visitor sees."""
    return str(_theme("primaryColor"))


def quiet() -> str:
    """Return a gray for what is there to be compared with, readable on either theme."""
    return "#8b8b98"


def curves(
    train: Sequence[tuple[int, float]], validation: Sequence[tuple[int, float]], form: str
) -> go.Figure:
    """Draw training against validation.

    Args:
        train: (epoch, value); empty if it was not recorded, and no line is drawn.
        validation: The same.
        form: d3 format of the values, such as ``".1%"``.
    """
    import plotly.graph_objects as go  # 0.3 s, so only where a chart is drawn

    figure = go.Figure()
    for name, points, tint, width in (
        ("Training", train, quiet(), 1.75),
        ("Validation", validation, accent(), 2.5),
    ):
        if not points:
            continue
        figure.add_scatter(
            x=[epoch for epoch, _ in points],
            y=[value for _, value in points],
            name=name,
            mode="lines",
            line={"color": tint, "width": width},
            hovertemplate=f"%{{y:{form}}}",
        )
    figure.update_layout(
        height=240,
        margin={"l": 0, "r": 8, "t": 8, "b": 0},
        hovermode="x unified",
        showlegend=True,  # of a single line, too: which of the two is it?
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": None},
        dragmode=False,
    )
    figure.update_xaxes(title="Epoch", showgrid=False, fixedrange=True)
    figure.update_yaxes(tickformat=form, title=None, fixedrange=True, nticks=5)
    return figure


def _theme(option: str) -> Any:
    kind = st.context.theme.type or "light"
    return st.get_option(f"theme.{kind}.{option}")
