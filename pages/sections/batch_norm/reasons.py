"""Why BatchNorm helps: what changes inside a network that trains with it, in the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

import zoo
from pages.common import charts
from pages.components.gradient_arrows import gradient_arrows
from pages.sections import when_near
from pages.sections.batch_norm import (
    claims,
    norm_charts,
    recorded_figures,
    recorded_series,
)

Rates = dict[str, float]  # by norm
DECADES = 1000  # from this ratio on, an axis writes powers of ten
FOLDED = (
    ("Gradient of this layer", "gradient_norm", "‖∂L/∂W‖"),
    ("Standard deviation before its activation", "activation_std", "mean over its channels"),
    ("Drift of the mean there", "activation_drift", "since the look before, in σ"),
)


@st.fragment
def show(found: zoo.Experiment, verdicts: Mapping[str, claims.Claim]) -> None:
    """Draw covariate shift and smoothness, with and without BatchNorm; the rest is folded.

    Args:
        found: the record.
        verdicts: what the records say, by claim.
    """
    settings = recorded_series.settings(found)
    rates = settings[st.session_state.get("bn.reasons.rate") or next(iter(settings))]
    left, right = st.columns(2, gap="medium")
    shifts, smooths = (
        recorded_figures.badge(verdicts.get(claim)) for claim in (claims.SHIFT, claims.SMOOTH)
    )
    with left:
        st.markdown(f"**Inputs change less** (Ioffe & Szegedy 2015)? {shifts}")
        gradient_arrows.show("bn.arrows.shift", "shift")
        shift = {
            norm: recorded_series.by_step(found, "shift_relative", norm, rates[norm])
            for norm in ("batch", "none")
        }
        _pair("shift_relative", "Internal covariate shift", shift, norm_charts.Axis("", ".1f"))
    with right:
        st.markdown(f"**A smoother loss** (Santurkar et al. 2018)? {smooths}")
        gradient_arrows.show("bn.arrows.smooth", "smooth")
        smooth = {
            norm: recorded_series.landscape(found, "smoothness", norm, rates[norm])
            for norm in ("batch", "none")
        }
        _pair("smoothness", "Change of the gradient by distance", smooth,
              norm_charts.Axis("", ".3~r", log=True))  # fmt: skip
    more = st.expander(
        "More: learning rate, loss, a single layer", key="bn.reasons.more", on_change="rerun"
    )
    with more:
        st.segmented_control(
            "Learning rate", list(settings), default=next(iter(settings)), required=True,
            key="bn.reasons.rate",
        )  # fmt: skip
        if more.open:
            _folded(found, rates)


def _folded(found: zoo.Experiment, rates: Rates) -> None:
    layers = list(dict.fromkeys(row["layer"] for row in found.rows))
    layer = st.selectbox(
        "Layer",
        layers,
        index=len(layers) - 1,
        format_func=lambda name: f"{layers.index(name) + 1} of {len(layers)}: {name}",
        key="bn.reasons.layer",
        persist_state="session",
    )
    columns = [*st.columns(2, gap="medium"), *st.columns(2, gap="medium")]
    with columns[0]:
        _landscape(found, rates)
    for column, (title, name, note) in zip(columns[1:], FOLDED, strict=True):
        with column:
            st.markdown(f"**{title}** – {note}")
            points = {
                norm: [
                    (step, value)
                    for step, value in recorded_series.by_step(
                        found, name, norm, rates[norm], layer
                    )
                    if value > 0  # before the first step nothing has drifted: 0 has no logarithm
                ]
                for norm in ("batch", "none")
            }
            ends = [value for own in points.values() for _, value in own]
            wide = bool(ends) and max(ends) > DECADES * min(ends)
            _pair(name, title, points, norm_charts.Axis("", ".3~r", log=True, powers=wide))


def _landscape(found: zoo.Experiment, rates: Rates) -> None:
    """Draw between which values the loss lies along the gradient step."""
    bands, edges = [], []
    for norm in ("none", "batch"):
        low, high = (
            recorded_series.landscape(found, column, norm, rates[norm])
            for column in ("loss_low", "loss_high")
        )
        tint = norm_charts.tint(norm)
        bands.append((low, high, tint))
        edges.append(norm_charts.Line(recorded_series.TITLES[norm], high, tint, width=1.25))
    st.markdown("**Loss along the step** – from ½ to 4 times its length")
    x, y = norm_charts.Axis("Training step"), norm_charts.Axis("", ".2f")
    charts.show(
        norm_charts.lines(edges, x, y, 230, bands),
        key="bn.reasons.landscape",
        alt="Loss along the gradient step by training step, with and without BatchNorm",
    )


def _pair(
    name: str, title: str, points: dict[str, list[recorded_series.Point]], y: norm_charts.Axis
) -> None:
    """Draw one line with BatchNorm and one without."""
    drawn = [
        norm_charts.Line(recorded_series.TITLES[norm], own, norm_charts.tint(norm))
        for norm, own in points.items()
        if own
    ]
    if not drawn:
        st.caption("Not for the first layer: there are no layers in front of it.")
        return
    y = replace(y, from_zero=not y.log)
    height = 176
    when_near.chart(
        norm_charts.lines(drawn, norm_charts.Axis("Training step"), y, height),
        key=f"bn.reasons.{name}",
        alt=f"{title} by training step, with and without BatchNorm",
        height=height,
    )
