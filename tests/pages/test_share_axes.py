"""Shares in charts are written as in the pages' text."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.common import share_axes
from pages.common.number_format import NBSP


def test_an_axis_of_shares_gets_percentages_and_their_sign() -> None:
    figure = go.Figure()
    figure.add_scatter(
        x=[1, 2], y=[0.5, None], error_y={"array": [0.1, 0.2]}, hovertemplate="%{x}: %{y:.1%}"
    )
    figure.add_scatter(x=[1, 2], y=np.array([0.25, 1.0]))
    figure.add_hline(y=0.75)
    figure.update_yaxes(tickformat=".0%", range=[0, 1], dtick=0.5)
    share_axes.written(figure)
    first, second = figure.data
    assert list(first.y) == [50, None]
    assert list(first.error_y.array) == [10, 20]
    assert list(second.y) == [25, 100]
    assert list(first.x) == [1, 2]
    assert first.hovertemplate == f"%{{x}}: %{{y:.1f}}{NBSP}%"
    axis = figure.layout.yaxis
    assert (axis.tickformat, axis.ticksuffix) == (".0f", f"{NBSP}%")
    assert (list(axis.range), axis.dtick) == ([0, 100], 50)
    assert figure.layout.shapes[0].y0 == 75


def test_other_axes_and_categories_stay_as_they_are() -> None:
    figure = make_subplots(2, 1)
    figure.add_bar(x=[0.5], y=["cat"], orientation="h", row=1, col=1, hoverinfo="skip")
    figure.add_scatter(x=[0.001], y=[0.5], hovertemplate="%{y:.1%}", row=2, col=1)
    figure.update_xaxes(type="log", tickformat=".3~g", row=2, col=1)
    share_axes.written(figure)
    bar, line = figure.data
    assert (list(bar.x), list(bar.y)) == ([0.5], ["cat"])
    assert (list(line.x), list(line.y)) == ([0.001], [50])
    assert figure.layout.xaxis2.ticksuffix is None


def test_the_cells_of_a_heat_map_too() -> None:
    figure = go.Figure(go.Heatmap(z=[[0.5, None], [1.0, 0.25]], texttemplate="%{z:.1%}"))
    share_axes.written(figure)
    assert [list(row) for row in figure.data[0].z] == [[50, None], [100, 25]]
    assert figure.data[0].texttemplate == f"%{{z:.1f}}{NBSP}%"
