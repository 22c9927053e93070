"""The recorded training with and without skip connections (experiment ``skip_cuts``)."""

from __future__ import annotations

import base64
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st
from PIL import Image, ImageOps

import zoo
from pages.common import charts, number_format
from pages.components.gallery import gallery
from pages.images import encoding
from pages.sections import how_measured, when_near

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METRICS = {"iou": "IoU", "boundary_iou": "Boundary IoU"}
# What is compared: a network of the record, and what of it was cut after its training.
WITH, CUT, WITHOUT = ("with skips", "none"), ("with skips", "all"), ("without skips", "none")
_TITLES = {WITH: "With skips", CUT: "All cut afterwards", WITHOUT: "Trained without"}
HEIGHT = 260  # pixels, of the chart
TILE = (256, 171)  # pixels of an image of the strip: a map's shape
STRIP = 3 * TILE[0] / TILE[1]  # its shape: three of them


def recorded() -> zoo.Experiment | None:
    """Return the experiment, None if it has not been recorded."""
    try:
        return zoo.experiment("skip_cuts")
    except zoo.ZooError:
        return None


def rows_of(rows: Sequence[Mapping[str, Any]], which: tuple[str, str]) -> list[Mapping[str, Any]]:
    """Return the rows of one of :data:`WITH`, :data:`CUT`, :data:`WITHOUT`, a row a seed."""
    return [
        row
        for row in rows
        if (row["network"], row["cut"]) == which and row["fill"] in (None, "zero")
    ]


def mean(found: zoo.Experiment, which: tuple[str, str], metric: str = "iou") -> float:
    """Return the mean of a metric over the seeds."""
    return statistics.fmean(row[metric] for row in rows_of(found.rows, which))


def _maps(found: zoo.Experiment) -> dict[tuple[str, str], bytes]:
    """Return what each of the three sees in the same photo, as PNG files."""
    maps = {
        (one["network"], one["cut"]): base64.b64decode(one["png"])
        for one in found.raw.get("maps", [])
    }
    return {which: maps[which] for which in _TITLES if which in maps}


@st.cache_data(show_spinner=False)
def strip(_found: zoo.Experiment) -> bytes:
    """Return what the three see side by side, as a PNG file."""
    sheet = Image.new("RGB", (TILE[0] * len(_TITLES), TILE[1]))
    for number, image in enumerate(_maps(_found).values()):
        sheet.paste(ImageOps.fit(zoo.open_image(image), TILE), (TILE[0] * number, 0))
    return encoding.png(sheet)


def show() -> None:
    """Draw the section; nothing, if the experiment has not been recorded."""
    if (found := recorded()) is None:
        return
    with st.container(
        horizontal=True,
        horizontal_alignment="distribute",
        gap="xxsmall",
        key="skip-head",
    ):
        st.header("A network that never had them", anchor="trained", width="content")
        how_measured.popover(found)
    st.markdown(
        "Above, a trained network loses what it relies on. Here a U-Net was trained without skip "
        f"connections. Its IoU is **{_percent(found, WITHOUT, 'iou')}** instead of "
        f"{_percent(found, WITH, 'iou')}; at the edge it loses more: the Boundary IoU is "
        f"**{_percent(found, WITHOUT, 'boundary_iou')}** instead of "
        f"{_percent(found, WITH, 'boundary_iou')}."
    )
    left, right = st.columns([5, 7], gap="large", vertical_alignment="center")
    with left:
        words = alt(found.rows)
        when_near.draw(
            "skip-training",
            HEIGHT,
            words,
            lambda: charts.show(figure(found.rows), "skip-training", words),
        )
    with right:
        _show_maps(found)


def _percent(found: zoo.Experiment, which: tuple[str, str], metric: str) -> str:
    return number_format.percent(mean(found, which, metric))


def figure(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Return the chart: a dot a seed, with and without, for each metric."""
    import plotly.graph_objects as go  # 0.3 s, so only where a chart is drawn

    chart = go.Figure()
    for which, name, tint, symbol in (
        (WITH, "with skips", charts.accent(), "circle"),
        (WITHOUT, "without", charts.quiet(), "diamond"),
    ):
        points = [
            (title, row[metric])
            for metric, title in _METRICS.items()
            for row in rows_of(rows, which)
        ]
        chart.add_scatter(
            x=[title for title, _ in points],
            y=[value for _, value in points],
            name=name,
            mode="markers",
            marker={"color": tint, "size": 11, "symbol": symbol, "opacity": 0.85},
            hovertemplate="%{y:.1%}",
        )
    charts.plain(chart, HEIGHT)
    chart.update_layout(legend=charts.LEGEND, scattermode="group", scattergap=0.6)
    chart.update_xaxes(title=None, fixedrange=True, showgrid=False)
    drawn = [*rows_of(rows, WITH), *rows_of(rows, WITHOUT)]
    least = min(row[metric] for row in drawn for metric in _METRICS)
    chart.update_yaxes(
        tickformat=".0%", fixedrange=True, nticks=6, range=[least - 0.06, 1], zeroline=False
    )
    return chart


def alt(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say what the chart shows, for those who cannot see it."""
    return "; ".join(
        f"{title} {name}: "
        + ", ".join(f"{100 * row[metric]:.1f} %" for row in rows_of(rows, which))
        for metric, title in _METRICS.items()
        for which, name in ((WITH, "with skips"), (WITHOUT, "without"))
    )


def _show_maps(found: zoo.Experiment) -> None:
    """Draw what the three see."""
    images = [
        gallery.GalleryImage(
            _TITLES[which],
            f"IoU {_percent(found, which, 'iou')}",
            encoding.data_url(png),
            f"Probabilities, {_TITLES[which]}: white is surely car",
        )
        for which, png in _maps(found).items()
    ]
    gallery.show("skip-maps", images, columns=3, few=3, stacked=True)
    st.caption(
        "One photo of a car from behind (Carvana's may not be shown), as each sees it: white is "
        f"surely car. The numbers are means of {len(found.seeds)} seeds; a dot in the chart is one."
    )
