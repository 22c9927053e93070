"""The recorded training with and without skip connections (experiment ``unet_skips``)."""

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
from pages.sections import how_measured
from zoo.samples import samples

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METRICS = {"iou": "IoU", "boundary_iou": "Boundary IoU"}
TILE = (256, 172)  # pixels of an image of the strip: a photo's shape
STRIP = 3 * TILE[0] / TILE[1]  # its shape: three of them


def recorded() -> zoo.Experiment | None:
    """Return the experiment, None if it has not been recorded."""
    try:
        return zoo.experiment("unet_skips")
    except zoo.ZooError:
        return None


def means(found: zoo.Experiment) -> dict[bool, float]:
    """Return the mean IoU over the seeds, with (True) and without skip connections."""
    return {
        skips: statistics.fmean(row["iou"] for row in found.rows if row["skips"] is skips)
        for skips in (True, False)
    }


@st.cache_data(show_spinner=False)
def strip(_found: zoo.Experiment) -> bytes:
    """Return the photo and what both networks see in it side by side, as a PNG file."""
    maps = _found.raw["maps"]
    photo = next(s for s in samples("cars") if s.path.name == maps[0]["photo"])
    encoded = [photo.read(), *(base64.b64decode(one["png"]) for one in maps)]
    sheet = Image.new("RGB", (TILE[0] * len(encoded), TILE[1]))
    for number, image in enumerate(encoded):
        sheet.paste(ImageOps.fit(zoo.open_image(image), TILE), (TILE[0] * number, 0))
    return encoding.png(sheet)


def show() -> None:
    """Draw the section; nothing, if the experiment has not been recorded."""
    if (found := recorded()) is None:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", gap="xxsmall"):
        st.header("A network that never had them", anchor="trained", width="content")
        how_measured.popover(found)
    st.markdown(
        "Above, a network that was trained with skip connections loses them: it never learned to "
        "do without. Here the same U-Net learned twice from the same images, once with and once "
        f"without. {number_format.spaced(found.finding)}"
    )
    left, right = st.columns([5, 7], gap="large", vertical_alignment="center")
    with left:
        charts.show(figure(found.rows), "skip-training", alt(found.rows))
    with right:
        _maps(found.raw.get("maps", []))


def figure(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Return the chart: a dot a seed, with and without, for each metric."""
    import plotly.graph_objects as go  # 0.3 s, so only where a chart is drawn

    chart = go.Figure()
    for skips, name, tint, symbol in (
        (True, "with skips", charts.accent(), "circle"),
        (False, "without", charts.quiet(), "diamond"),
    ):
        points = [
            (title, row[metric])
            for metric, title in _METRICS.items()
            for row in rows
            if row["skips"] is skips
        ]
        chart.add_scatter(
            x=[title for title, _ in points],
            y=[value for _, value in points],
            name=name,
            mode="markers",
            marker={"color": tint, "size": 11, "symbol": symbol, "opacity": 0.85},
            hovertemplate="%{y:.1%}",
        )
    charts.plain(chart, height=260)
    chart.update_layout(legend=charts.LEGEND, scattermode="group", scattergap=0.6)
    chart.update_xaxes(title=None, fixedrange=True, showgrid=False)
    least = min(row[metric] for row in rows for metric in _METRICS)
    chart.update_yaxes(
        tickformat=".0%", fixedrange=True, nticks=6, range=[least - 0.06, 1], zeroline=False
    )
    return chart


def alt(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say what the chart shows, for those who cannot see it."""
    return "; ".join(
        f"{title} {name}: "
        + ", ".join(f"{100 * row[metric]:.1f} %" for row in rows if row["skips"] is skips)
        for metric, title in _METRICS.items()
        for skips, name in ((True, "with skips"), (False, "without"))
    )


def _maps(maps: Sequence[Mapping[str, str]]) -> None:
    """Draw the recorded probabilities of both networks beside the photo that they saw."""
    photo = next((s for s in samples("cars") if maps and s.path.name == maps[0]["photo"]), None)
    if photo is None:
        return
    small = encoding.jpeg(zoo.open_image(photo.path), side=320)
    images = [
        gallery.GalleryImage("The photo", "", encoding.data_url(small, "jpeg"), photo.description),
        *(
            gallery.GalleryImage(
                one["network"].capitalize(),
                "",
                encoding.data_url(base64.b64decode(one["png"])),
                f"Probabilities of the network {one['network']}: white is surely car",
            )
            for one in maps
        ),
    ]
    gallery.show("skip-maps", images, columns=3, few=3)
    st.caption(f"White: surely car. A dot in the chart is a seed. {photo.credit}")
