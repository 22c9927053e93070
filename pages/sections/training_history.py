"""How a model was trained, told by its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

import zoo
from pages.common import charts, number_format
from pages.sections import when_near
from zoo import records

METRICS = {"accuracy": "accuracy", "iou": "IoU", "dice": "Dice", "boundary_iou": "boundary IoU"}


def show(model: zoo.Model) -> None:
    """Draw the section "How it was trained".

    Args:
        model: A loaded model.
    """
    record = model.record
    st.header("How it was trained", anchor="training")
    _numbers(model)
    _curves(record, records.headline(record)[0])
    for note in records.curve_notes(record):
        st.caption(number_format.spaced(note))
    _recipe(record)


def _numbers(model: zoo.Model) -> None:
    record, info = model.record, zoo.info(model.name)
    metric, value, n = records.headline(record)
    seeds = [seed[f"test_{metric}"] for seed in record.get("seeds", [])]
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            f"Test {METRICS[metric]}", number_format.percent(value, 2), help=f"n = {n:,} images"
        )
        if len(seeds) > 1:
            st.metric(
                f"Mean of {len(seeds)} seeds",
                number_format.percent(sum(seeds) / len(seeds), 2),
                help=", ".join(number_format.percent(seed, 2) for seed in seeds),
            )
        st.metric("Parameters", number_format.count(info.parameters))
        st.metric("Training time", number_format.duration(record["train_seconds"]))


def _curves(record: Mapping[str, Any], metric: str) -> None:
    left, right = st.columns(2, gap="large")
    for column, name, title, form in (
        (left, metric, capitalized(METRICS[metric]), ".1%"),
        (right, "loss", "Loss", ".2f"),
    ):
        train, validation = (records.curve(record, part, name) for part in ("train", "validation"))
        ends = [
            f"{part} ends at {points[-1][1]:.4f}"
            for part, points in (("training", train), ("validation", validation))
            if points
        ]
        with column:
            st.markdown(f"**{title}**")
            when_near.chart(
                charts.curves(train, validation, form),
                key=f"curve-{name}",
                alt=f"{title} by epoch; {', '.join(ends)}",
                height=charts.CURVES,
            )


def capitalized(text: str) -> str:
    """Return the text with a capital first letter; the others stay as they are ("IoU")."""
    return text[:1].upper() + text[1:]


def _recipe(record: Mapping[str, Any]) -> None:
    hardware, split = record["hardware"], record["metrics"].get("validation")
    machine = hardware.get("gpu") or f"{hardware['cpu']}, {records.cores_used(record)}"
    metric, value, n = records.headline(record)
    when_near.command(record["command"], key="training-command")
    validation = ""
    if split:
        validation = f"Validation {number_format.percent(split[metric], 2)} on n = {split['n']:,}. "
    st.caption(
        f"Test {METRICS[metric]} {number_format.percent(value, 2)} on n = {n:,} images, single "
        f"view, "
        f"seed {record['seed']}. {validation}"
        f"Checkpoint: {record['selection']}. Trained on {machine}; commit "
        f"{str(record['git_commit'])[:7]}."
    )
