"""How far a classifier's probabilities can be trusted, told by its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

import zoo
from pages.common import charts, number_format
from pages.sections import reliability_diagram, when_near


def show(model: zoo.Classifier) -> None:
    """Draw the section "How far to trust it", as far as the record knows.

    Args:
        model: A loaded classifier.
    """
    record = model.record
    if "calibration" not in record and "ood" not in record:
        return
    st.header("How far to trust it", anchor="trust")
    left, right = st.columns(2, gap="large")
    with left:
        if "calibration" in record:
            _calibration(record)
    with right:
        if "ood" in record:
            _ood(record["ood"])


def _calibration(record: Mapping[str, Any]) -> None:
    found = record["calibration"]
    st.markdown("**Its probabilities are calibrated**")
    before, after = (number_format.percent(found[f"ece_{when}"]) for when in ("before", "after"))
    how = ""
    if "reliability" in record:
        reliability_diagram.show(record["reliability"])
        how = f"{reliability_diagram.words(record['reliability'])} "
    else:
        with st.container(horizontal=True, gap="medium"):
            st.metric("Calibration error before", before)
            st.metric("after", after)
    st.caption(
        f"{how}All logits are divided by T = {found['temperature']:.3f}, which changes no answer. "
        f"It was fitted on {found['n']:,} validation images (ECE {before} → {after}"
        f"{_other_weights(found)})."
    )


def _ood(found: Mapping[str, Any]) -> None:
    st.markdown("**Out-of-distribution detection**")
    rates = found["detection_rates"]
    kinds = sorted(rates, key=rates.__getitem__, reverse=True)
    names = [kind[0].upper() + kind[1:] for kind in kinds]
    when_near.chart(
        charts.bars(names, [rates[kind] for kind in kinds]),
        key="ood",
        alt=", ".join(f"{kind}: {number_format.percent(rates[kind])} noticed" for kind in kinds),
        height=charts.bars_height(len(kinds)),
    )
    counts = sorted(set(found["ood_n"].values()))
    each = f"{counts[0]:,} each" if len(counts) == 1 else ", ".join(f"{n:,}" for n in counts)
    st.caption(
        "The page warns when the best answer has less than "
        f"{number_format.percent(found['threshold'])}. The bars say how many images of each kind "
        f"it warns about ({each}); the others get a wrong name without a warning. "
        f"It also warns about {number_format.percent(found['false_alarm_rate'])} of images that "
        f"do show one of the classes (n = {found['n']:,} validation images that did not set the "
        f"threshold{_other_weights(found)})."
    )


def _other_weights(found: Mapping[str, Any]) -> str:
    """Say that the measurement is of a run before the final one, if it is."""
    if "weights" not in found:
        return ""
    return ", with the weights of the validation run: the final run has learned from these images"
