"""The recorded experiments of the BatchNorm page: verdicts, speed, small batches, places, depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

import zoo
from pages.components.verdict_table import verdict_table
from pages.sections import when_near
from pages.sections.batch_norm import claims as claimed
from pages.sections.batch_norm import norm_charts, recorded_series
from pages.sections.batch_norm.recorded_series import Runs
from zoo.experiments import spread

NEAR = 0.05  # of accuracy: what lies closer to the best shares its axis, so that seeds lie apart
ROW = 25  # pixels, of dots
FEW = 3  # rows, that are no axis of their own
KINDS = {
    spread.YES: "yes",
    spread.NO: "no",
    spread.TIE: "tie",
    spread.MIXED: "mixed",
    spread.FEW: "few",
}
_BADGES = {"yes": "green", "no": "red", "tie": "gray", "mixed": "orange", "few": "gray"}
RULE = (
    f"**One rule for all.** A claim says that one number is larger than another. *{spread.YES}*: "
    "the 95 % interval of the difference (Student's t over the seeds, Welch's for two groups) lies "
    f"on the claimed side of zero; *{spread.NO}*: on the other side; *{spread.TIE}*: it holds "
    f"zero; *{spread.MIXED}*: a claim's parts disagree; *{spread.FEW}*: fewer than "
    f"{spread.LEAST} seeds. That something is *not needed* is a yes if going without it loses less "
    f"than {100 * claimed.LOSS:.0f} point, by the whole interval. Every variant has its own "
    "learning rate; where one trained network is tested, the interval is over its test images."
)


def verdicts(found: Sequence[claimed.Claim]) -> None:
    """Draw the table of claims."""
    rows = [
        verdict_table.VerdictRow(
            claim=claim.claim,
            source=claim.source,
            url=claim.url,
            verdict=claim.verdict,
            kind=KINDS[claim.verdict],
            number=claim.number,
            anchor=claim.anchor,
        )
        for claim in found
    ]
    verdict_table.show("bn.verdicts", rows)


def badge(claim: claimed.Claim | None) -> str:
    """Return a verdict as Markdown, to stand beside its figure; "" for a claim without a record."""
    if claim is None:
        return ""
    return f":{_BADGES[KINDS[claim.verdict]]}-badge[{claim.verdict}] {claim.number}"


def rule() -> None:
    """Offer the rule behind the verdicts."""
    with st.popover("By which rule?", icon=":material/gavel:", type="tertiary", key="bn.rule"):
        st.markdown(RULE)


def speed(found: zoo.Experiment) -> None:
    """Draw learning curves, each norm at its own learning rate, and all final accuracies."""
    st.subheader("Recorded on CIFAR-10", anchor="speed")
    norms, rates, cells = recorded_series.accuracy_grid(found)
    own, every = st.tabs(["Each at its own rate", "At every learning rate"])
    with own:
        _learning_curves(found, norms)
    with every:
        when_near.chart(
            norm_charts.grid(
                [recorded_series.TITLES[norm] for norm in norms],
                [f"{r:g}" for r in rates],
                cells,
                "",
            ),
            key="bn.speed.grid",
            alt="Final accuracy by norm and learning rate, mean of the seeds",
            height=norm_charts.grid_height(len(norms)),
        )


def _learning_curves(found: zoo.Experiment, norms: Sequence[str]) -> None:
    drawn, bands = [], []
    for norm in norms:
        runs = recorded_series.final(found, norm=norm)
        if runs is None:
            continue
        tint = norm_charts.tint(norm)
        low, middle, high = recorded_series.learning_curve(found, norm, runs.rate)
        drawn.append(
            norm_charts.Line(f"{recorded_series.TITLES[norm]} ({runs.rate:g})", middle, tint)
        )
        bands.append((low, high, tint))
    height = 210
    when_near.chart(
        norm_charts.lines(
            drawn, norm_charts.Axis("Epoch"), norm_charts.Axis("", ".0%"), height, bands
        ),
        key="bn.speed.curves",
        alt="Validation accuracy by epoch, one line a norm: the mean of the seeds, and their range",
        height=height,
    )


def beside_published(found: zoo.Experiment) -> str:
    """Say how far GroupNorm is ahead at the smallest batch, in the paper and here."""
    small = recorded_series.values(found, "batch")[0]
    batch, group = (
        recorded_series.final(found, norm=norm, batch=small) for norm in ("batch", "group")
    )
    if batch is None or group is None:
        return ""
    there, here = found.raw["published"]["points"] / 100, group.mean - batch.mean
    return (
        f"GroupNorm against BatchNorm at {small} images: {claimed.signed(there)} points in a "
        f"ResNet-50 on ImageNet (Wu & He 2018), {claimed.signed(here)} in these six layers."
    )


def small_batches(found: zoo.Experiment) -> None:
    """Draw accuracy by batch size."""
    sizes = recorded_series.values(found, "batch")
    kinds = (
        ("batch", "accuracy", "BatchNorm", "solid"),
        ("batch", "accuracy_corrected", "BatchNorm, corrected", "dash"),
        ("batch", "accuracy_batch_statistics", "BatchNorm in train()", "dot"),
        ("group", "accuracy", "GroupNorm", "solid"),
        ("layer", "accuracy", "LayerNorm", "solid"),
    )
    drawn = []
    for norm, column, title, dash in kinds:
        points = [
            (size, runs.mean)
            for size in sizes
            if (runs := recorded_series.final(found, column, norm=norm, batch=size)) is not None
        ]
        if points:
            tint = norm_charts.tint(norm)
            drawn.append(norm_charts.Line(title, points, tint, dash, markers=True))
    height = 190 + 17 * len(drawn)  # a row each on a phone
    when_near.chart(
        norm_charts.lines(
            drawn,
            norm_charts.Axis("Images in a batch", log=True, ticks=sizes),
            norm_charts.Axis("", ".0%"),
            height,
        ),
        key="bn.batches",
        alt="Accuracy by batch size, one line a norm",
        height=height,
    )


def places(found: zoo.Experiment, key: str) -> None:
    """Draw one row of dots a variant, a dot a seed.

    Those far below the best have their own axis, unless few rows are left on one of the two.
    """
    table = recorded_series.variants(found)
    best = max(runs.mean for runs in table.values())
    near = {name: runs for name, runs in table.items() if best - runs.mean <= NEAR}
    far = {name: runs for name, runs in table.items() if name not in near}
    parts = {"near": near, "far": far}
    if min(len(near), len(far)) < FEW:
        parts = {"all": table}
    for which, part in parts.items():
        rows = {f"{name} ({runs.rate:g})": runs.accuracies for name, runs in part.items()}
        colors = dict(zip(rows, (_tint(name) for name in part), strict=True))
        when_near.chart(
            norm_charts.dots(rows, colors, spacing=ROW),
            key=f"{key}.{which}",
            alt="Validation accuracy of each variant, one dot a seed",
            height=norm_charts.dots_height(len(rows), ROW),
        )


def _tint(variant: str) -> str:
    """Return the colour of the norm that a variant has."""
    if "GroupNorm" in variant:
        return norm_charts.tint("group")
    without = "none" in variant or "SkipInit" in variant
    return norm_charts.tint("none" if without else "batch")


def lead(found: zoo.Experiment) -> str:
    """Say in one sentence what the page's question comes to."""
    runs: Mapping[str, Runs | None] = {
        norm: recorded_series.final(found, norm=norm) for norm in ("batch", "none")
    }
    batch, none = runs["batch"], runs["none"]
    if batch is None or none is None:
        return ""
    return (
        f"The same small network, trained as long, ends at "
        f"**{recorded_series.percent(batch.mean)}** with it and at "
        f"**{recorded_series.percent(none.mean)}** without. What they say, and what was measured:"
    )
