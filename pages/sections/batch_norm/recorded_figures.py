"""The recorded experiments of the BatchNorm page: speed, reasons, small batches, places, claims."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

import zoo
from pages.common import charts, number_format
from pages.sections.batch_norm import claims as claimed
from pages.sections.batch_norm import norm_charts, recorded_series
from zoo import batch_norm

DECADES = 1000  # from this ratio on, an axis writes powers of ten


def _provenance(found: zoo.Experiment) -> None:
    """Say where numbers come from, in small print, with the command that repeats them."""
    network = found.raw.get("network", {})
    machine, seeds = found.hardware, found.seeds
    epochs = network.get("recipe", {}).get("epochs")
    st.caption(
        f"{network.get('description', '')} {network.get('parameters', 0):,} parameters; "
        f"{f'{epochs} epochs; ' if epochs else ''}seed{'s' if len(seeds) > 1 else ''} "
        f"{', '.join(str(seed) for seed in seeds)}. "
        f"Measured on {found.raw.get('measured_on', 'CIFAR-10')}; {machine.get('cpu')}, "
        f"{machine.get('cores')} cores."
    )
    st.code(found.command, language="bash", wrap_lines=True)


def _rate(found: zoo.Experiment, key: str) -> float:
    """Let somebody choose one of the learning rates of an experiment."""
    rates = recorded_series.values(found, "learning_rate")
    chosen = st.segmented_control(
        "Learning rate",
        rates,
        default=rates[0],
        required=True,
        format_func=lambda r: f"{r:g}",
        key=key,
    )
    return float(chosen if chosen is not None else rates[0])


@st.fragment
def speed(found: zoo.Experiment) -> None:
    """Draw learning curves for one learning rate, and all final accuracies."""
    st.markdown("**Recorded: a small network on CIFAR-10**")
    norms, rates, cells = recorded_series.accuracy_grid(found)
    rate = _rate(found, "bn.speed.rate")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("Validation accuracy while it trains")
        _learning_curves(found, norms, rate, "bn.speed.curves")
    with right:
        st.markdown("At the end, mean of the seeds")
        charts.show(
            norm_charts.grid(
                [recorded_series.TITLES[norm] for norm in norms],
                [f"{r:g}" for r in rates],
                cells,
                "Learning rate",
            ),
            key="bn.speed.grid",
            alt="Final accuracy by norm and learning rate",
        )
    st.markdown(number_format.spaced(found.finding))
    _provenance(found)


def longer(found: zoo.Experiment) -> None:
    """Draw the learning curve of the long training."""
    st.markdown("**Recorded: the same network, trained longer**")
    rate = recorded_series.values(found, "learning_rate")[0]
    _learning_curves(found, recorded_series.values(found, "norm"), rate, "bn.longer")
    st.markdown(number_format.spaced(found.finding))
    _provenance(found)


def _learning_curves(found: zoo.Experiment, norms: Sequence[str], rate: float, key: str) -> None:
    drawn = [
        norm_charts.Line(
            recorded_series.TITLES[norm],
            recorded_series.learning_curve(found, norm, rate),
            norm_charts.tint(norm),
            markers=True,
        )
        for norm in norms
    ]
    charts.show(
        norm_charts.lines(drawn, norm_charts.Axis("Epoch"), norm_charts.Axis("", ".0%")),
        key=key,
        alt=f"Validation accuracy by epoch at learning rate {rate:g}, one line a norm",
    )


@st.fragment
def reasons(found: zoo.Experiment) -> None:
    """Draw smoothness, gradients, activations and covariate shift, with and without BatchNorm."""
    layers = list(dict.fromkeys(row["layer"] for row in found.rows))
    first, second = st.columns(2, gap="large")
    with first:
        rate = _rate(found, "bn.reasons.rate")
    layer = second.selectbox(
        "Layer",
        layers,
        index=len(layers) - 1,
        format_func=lambda name: f"{layers.index(name) + 1} of {len(layers)}: {name}",
        key="bn.reasons.layer",
    )
    panels = (
        ("Gradient's change on that way", "smoothness", None, True,
         "largest ‖Δ gradient‖ / distance"),
        ("Gradient of this layer", "gradient_norm", layer, True, "‖∂L/∂W‖"),
        ("Standard deviation before its activation", "activation_std", layer, True,
         "mean over its channels"),
        ("Drift of the mean there", "activation_drift", layer, True,
         "since the look before, in standard deviations"),
        ("Internal covariate shift of this layer", "shift_cosine", layer, False,
         "cosine of its gradients before and after the earlier layers stepped; 1: no shift"),
    )  # fmt: skip
    rows = [st.columns(2, gap="large") for _ in range((len(panels) + 2) // 2)]
    first, *others = [column for row in rows for column in row]
    with first:
        _landscape(found, rate)
    for column, (title, name, place, log, note) in zip(others, panels, strict=False):
        with column:
            _panel(found, rate, title, name, place, log, note)
    st.markdown(number_format.spaced(found.finding))
    _provenance(found)


def _landscape(found: zoo.Experiment, rate: float) -> None:
    """Draw between which values the loss lies along the gradient step."""
    bands, edges = [], []
    for norm in ("none", "batch"):
        low, high = (
            recorded_series.by_step(found, column, norm, rate)
            for column in ("loss_low", "loss_high")
        )
        tint = norm_charts.tint(norm)
        bands.append((low, high, tint))
        edges.append(norm_charts.Line(recorded_series.TITLES[norm], high, tint, width=1.25))
    x, y = norm_charts.Axis("Training step"), norm_charts.Axis("", ".2f")
    _head("Loss along the gradient step", "from ½ to 4 times its length")
    _chart("landscape", norm_charts.lines(edges, x, y, bands=bands), "Loss along the gradient step")


def _panel(
    found: zoo.Experiment,
    rate: float,
    title: str,
    name: str,
    place: str | None,
    log: bool,
    note: str,
) -> None:
    """Draw one column of the table over the training, with and without BatchNorm."""
    _head(title, note)
    drawn = []
    for norm in ("batch", "none"):
        points = recorded_series.by_step(found, name, norm, rate, place)
        if log:  # before the first step nothing has drifted yet, and 0 has no logarithm
            points = [(step, value) for step, value in points if value > 0]
        drawn.append(norm_charts.Line(recorded_series.TITLES[norm], points, norm_charts.tint(norm)))
    if not any(line.points for line in drawn):
        st.caption("Not for the first layer: there are no layers in front of it.")
        return
    ends = [value for line in drawn for _, value in line.points]
    wide = log and max(ends) > DECADES * min(ends)
    y = norm_charts.Axis("", ".3~g" if log else ".2f", log=log, powers=wide)
    _chart(name, norm_charts.lines(drawn, norm_charts.Axis("Training step"), y), title)


def _head(title: str, note: str) -> None:
    st.markdown(f"**{title}**")
    st.caption(note)


def _chart(name: str, figure: object, title: str) -> None:
    charts.show(
        figure,
        key=f"bn.reasons.{name}",
        alt=f"{title} by training step, with and without BatchNorm",
    )


def small_batches(found: zoo.Experiment) -> None:
    """Draw accuracy by batch size."""
    sizes = recorded_series.values(found, "batch")
    kinds = (
        ("batch", "accuracy", "BatchNorm", "solid"),
        ("batch", "accuracy_batch_statistics", "BatchNorm, tested with batch statistics", "dot"),
        ("group", "accuracy", "GroupNorm", "solid"),
    )
    drawn = [
        norm_charts.Line(
            title,
            [
                (size, value)
                for size in sizes
                if (value := recorded_series.mean(found, column, norm=norm, batch=size)) is not None
            ],
            norm_charts.tint(norm),
            dash,
            markers=True,
        )
        for norm, column, title, dash in kinds
    ]
    charts.show(
        norm_charts.lines(
            drawn,
            norm_charts.Axis("Images in a batch", log=True, ticks=sizes),
            norm_charts.Axis("", ".0%"),
        ),
        key="bn.batches",
        alt="Accuracy by batch size, BatchNorm and GroupNorm",
    )
    st.markdown(number_format.spaced(found.finding))
    _provenance(found)


def places(found: zoo.Experiment) -> None:
    """Draw one row of dots a variant, a dot a seed."""
    rows = {}
    for row in recorded_series.variants(found):
        rows[f"{row['variant']} ({row['learning_rate']:g})"] = row["accuracies"]
    colors = {
        name: norm_charts.tint("none" if "none" in name.split(" (")[0] else "batch")
        for name in rows
    }
    charts.show(
        norm_charts.dots(rows, colors),
        key="bn.places",
        alt="Validation accuracy of each variant, one dot a seed",
    )
    st.caption("One dot a seed; in brackets the learning rate, the better one where two were run.")
    st.markdown(number_format.spaced(found.finding))
    _provenance(found)


RECORDED: dict[str, Callable[[zoo.Experiment], None]] = {
    "batch_norm_speed": speed,
    "batch_norm_longer": longer,
    "batch_norm_statistics": reasons,
    "batch_norm_batch_size": small_batches,
    "batch_norm_where": places,
}


def claims(folded: batch_norm.Comparison | None) -> list[claimed.Claim]:
    """Return the claims whose measurement is recorded, or was made live on this page.

    Args:
        folded: the live comparison of the folded network, or None if nobody has asked for it.
    """
    found = claimed.claims()
    if folded is not None:
        found.append(claimed.folding(folded))
    return found


def show_answers(answers: list[tuple[str, str]]) -> None:
    """Draw the short answers: a question in bold and its figures, one below the other."""
    st.markdown("\n".join(f"- **{question}** {sentence}" for question, sentence in answers))


def show_claims(found: list[claimed.Claim]) -> None:
    """Draw the table of claims."""
    for claim in found:
        with st.container(border=True):
            left, right = st.columns([4, 7], gap="large")
            source = f"[{claim.source}]({claim.url})" if claim.url else claim.source
            left.markdown(f"**{claim.claim}**")
            left.caption(source)
            right.markdown(claim.measured)
            if claim.command:
                right.caption(f"`{claim.command}`")
            else:
                right.caption("Measured live, above.")
