"""How a model was trained, told by its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

import zoo
from pages.common import charts, format
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
    _curves(record["history"], records.headline(record)[0])
    if handicaps := records.handicaps(record):
        st.caption(
            f"The training curves are measured while training, with {handicaps}, "
            "the validation curves without; that is why they differ."
        )
    _recipe(record)


def _numbers(model: zoo.Model) -> None:
    record, info = model.record, zoo.info(model.name)
    metric, value, n = records.headline(record)
    seeds = [seed[f"test_{metric}"] for seed in record.get("seeds", [])]
    with st.container(horizontal=True, gap="medium"):
        st.metric(f"Test {METRICS[metric]}", format.percent(value, 2), help=f"n = {n:,} pictures")
        if len(seeds) > 1:
            st.metric(
                f"Mean of {len(seeds)} seeds",
                format.percent(sum(seeds) / len(seeds), 2),
                help=", ".join(format.percent(seed, 2) for seed in seeds),
            )
        st.metric("Parameters", format.count(info.parameters))
        st.metric("Training time", format.duration(record["wall_seconds"]))


def _curves(history: list[Mapping[str, Any]], metric: str) -> None:
    epochs = [epoch["epoch"] for epoch in history]
    left, right = st.columns(2, gap="large")
    for column, name, title, form in (
        (left, metric, METRICS[metric].capitalize(), ".1%"),
        (right, "loss", "Loss", ".2f"),
    ):
        train, validation = (
            [epoch[part][name] for epoch in history] for part in ("train", "validation")
        )
        column.markdown(f"**{title}**")
        column.plotly_chart(
            charts.curves(epochs, train, validation, form),
            config=charts.CONFIG,
            key=f"curve-{name}",
            alt=f"{title} by epoch; validation ends at {validation[-1]:.4f}",
        )


def _recipe(record: Mapping[str, Any]) -> None:
    hardware, split = record["hardware"], record["metrics"]["validation"]
    machine = hardware.get("gpu") or f"{hardware['cpu']}, {hardware['cores']} cores"
    metric, value, n = records.headline(record)
    st.code(record["command"], language="bash", wrap_lines=True)
    st.caption(
        f"Test {METRICS[metric]} {format.percent(value, 2)} on n = {n:,} pictures, single view, "
        f"seed {record['seed']}. "
        f"Validation {format.percent(split[metric], 2)} on n = {split['n']:,}. "
        f"Checkpoint: {record['selection']}. Trained on {machine}; commit "
        f"{str(record['git_commit'])[:7]}."
    )
