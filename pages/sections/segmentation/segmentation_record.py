"""How well a segmentation network does, by its record: over cars and angles, and at its worst."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

import zoo
from pages.common import charts, drawn_once, number_format, plain_table
from pages.sections import when_near
from zoo.segmentation import iou_by_group
from zoo.segmentation.iou_by_group import Group, View

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 300  # pixels
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "cross")


def show(model: zoo.Segmenter) -> None:
    """Draw the section "How well it does".

    Args:
        model: A loaded model. One of the host's own may know held-out images alone.
    """
    metrics = model.record.get("metrics", {})
    split = next((name for name in ("test", "validation") if name in metrics), None)
    if split is None:
        return
    test = metrics[split]
    st.header("How well it does", anchor="quality")
    _numbers(test, split.capitalize())
    if streets := metrics.get("test_streets"):
        st.markdown(
            f"That is in the studio. On {streets['n']} street photos of sequences that were never "
            f"trained on, each with a large vehicle, the IoU is "
            f"**{number_format.percent(streets['iou'], 1)}** and the Boundary IoU "
            f"**{number_format.percent(streets['boundary_iou'], 1)}**."
        )
    seen = letters(iou_by_group.views(test.get("images", {})))
    if seen:
        _spread(seen)
        _worst(seen)
    if zoo.info(model.name).folder is not None:
        return
    st.markdown("**Measure it again**")
    measure = f"python -m training.evaluate {model.name} --data-dir DIR --json"
    when_near.command(measure, key="measure-again")


def _numbers(test: dict[str, float], split: str) -> None:
    with st.container(horizontal=True, gap="medium"):
        for name, title in (
            ("iou", f"{split} IoU"),
            ("dice", f"{split} Dice"),
            ("boundary_iou", f"{split} Boundary IoU"),
            ("worst", "Worst image, IoU"),
        ):
            if name in test:
                st.metric(
                    title, number_format.percent(test[name], 2), help=f"n = {test['n']} images"
                )


def letters(seen: Sequence[View]) -> list[View]:
    """Return the views with their cars called "Car A", "Car B" …, in the order of their names."""
    cars = sorted({view.car for view in seen})
    names = {
        car: f"Car{number_format.NBSP}{string.ascii_uppercase[i % 26]}"
        for i, car in enumerate(cars)
    }
    return [replace(view, car=names[view.car]) for view in seen]


def _spread(seen: Sequence[View]) -> None:
    """Draw the IoU of every test image by angle, a line a car, and a table of the cars."""
    left, right = st.columns(2, gap="large")
    groups = iou_by_group.by_car(seen)
    with left:
        st.markdown("**IoU of every test image, by the angle of the camera**")
        when_near.chart(
            figure(seen),
            key="spread",
            alt=f"IoU of {len(seen)} test images by car and angle, "
            f"from {min(view.iou for view in seen):.4f} to {max(view.iou for view in seen):.4f}",
            height=HEIGHT,
        )
    hardest = iou_by_group.by_angle(seen)[0]
    with right:
        st.markdown("**IoU by car, hardest first**")
        plain_table.show(car_table(groups), "IoU by car")
        st.caption(
            f"No view of these {len(groups)} cars was trained on. ± is the standard deviation over "
            f"a car's images, in points. The hardest angle is {hardest.name}: "
            f"{number_format.percent(hardest.mean, 2)} over {hardest.n} "
            f"image{'s' * (hardest.n > 1)}."
        )


@drawn_once.keep
def figure(seen: Sequence[View]) -> go.Figure:
    """Return the chart of IoU by angle, a line a car."""
    import plotly.graph_objects as go  # 0.3 s, so only where a chart is drawn

    cars = sorted({view.car for view in seen})
    tints = (charts.accent(), charts.quiet(), "#e8963e", "#3f9d8f", "#c4587a", "#6b8e23")
    chart = go.Figure()
    for number, car in enumerate(cars):
        views = [view for view in seen if view.car == car]
        chart.add_scatter(
            x=[view.angle for view in views],
            y=[view.iou for view in views],
            name=car,
            mode="lines+markers",
            line={"color": tints[number % len(tints)], "width": 1.75},
            marker={"symbol": _SYMBOLS[number % len(_SYMBOLS)], "size": 8},
            hovertemplate="%{y:.2%}",
        )
    charts.plain(chart, HEIGHT)
    chart.update_layout(hovermode="x unified", legend=charts.LEGEND)
    chart.update_xaxes(
        title="Angle, in steps of 22.5°",
        tickvals=list(range(1, 17, 3)),
        range=[0.5, 16.5],
        showgrid=False,
        fixedrange=True,
    )
    chart.update_yaxes(tickformat=".1%", fixedrange=True, nticks=6)
    return chart


def car_table(groups: Sequence[Group]) -> list[dict[str, str]]:
    """Return the table of the cars, a mapping from column to text for each row."""
    return [
        {
            "Car": group.name,
            "n": str(group.n),
            "Mean": number_format.percent(group.mean, 2),
            "±": f"{100 * group.std:.2f}" if group.n > 1 else "",
            "Worst": number_format.percent(group.worst.iou, 2),
        }
        for group in groups
    ]


def _worst(seen: Sequence[View]) -> None:
    st.markdown("**The worst test images**")
    plain_table.show(worst_table(seen), "The worst test images")
    st.caption(
        "Carvana's photos may not be shown here, so numbers must do. To its car: the difference "
        "from the mean over the car's images, in points of IoU; far below it, the view is hard. "
        "To its angle: the difference from the mean over all cars at that angle; far below it, "
        "the car is."
    )


def worst_table(seen: Sequence[View], count: int = 5) -> list[dict[str, str]]:
    """Return the table of the worst images, a mapping from column to text for each row."""
    cars = {group.name: group.mean for group in iou_by_group.by_car(seen)}
    angles = {group.name: group.mean for group in iou_by_group.by_angle(seen)}
    return [
        {
            "Car": view.car,
            "Angle": str(view.angle),
            "IoU": number_format.percent(view.iou, 2),
            "To its car": number_format.change(view.iou - cars[view.car]),
            "To its angle": number_format.change(view.iou - angles[str(view.angle)]),
        }
        for view in iou_by_group.worst(seen, count)
    ]
