"""What people say about BatchNorm, who said it first, and what the records say to it.

Each claim has a verdict by the one rule of `zoo.experiments.spread` and the number that decided
it; a claim whose measurement is not recorded is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pages.common.number_format import NBSP, power
from pages.sections.batch_norm import recorded_series as series
from pages.sections.batch_norm.recorded_series import percent
from zoo.experiments import Experiment, spread
from zoo.experiments.spread import Spread

SHIFT, SMOOTH = "Reduces internal covariate shift", "Makes the loss smoother"
LOSS = 0.01  # of accuracy: what may be lost without a thing that is "not needed"


@dataclass(frozen=True)
class Measured:
    """What a record says to a claim.

    Attributes:
        parts: for each part of the claim, claimed side minus the other.
        number: what decided, in words.
        loss: of a claim that something is not needed; see `zoo.experiments.spread.verdict`.
    """

    parts: Sequence[Spread]
    number: str
    loss: float | None = None


@dataclass(frozen=True)
class Claim:
    """One claim, its source and its verdict.

    Attributes:
        claim: what is said.
        source: who said it, and where.
        url: of the source; "" for common advice.
        verdict: one of the five of `zoo.experiments.spread`.
        number: what decided.
        anchor: of the figure on the page.
    """

    claim: str
    source: str
    url: str
    verdict: str
    number: str
    anchor: str


def claims() -> list[Claim]:
    """Return the claims whose experiment is recorded.

    Raises:
        ExperimentError: a recorded experiment is damaged.
    """
    found = []
    for name, claim, (source, url), anchor, measure in _CLAIMS:
        experiment = series.recorded(name)
        measured = None if experiment is None else measure(experiment)
        if measured is not None:
            verdict = spread.verdict(measured.parts, measured.loss)
            found.append(Claim(claim, source, url, verdict, measured.number, anchor))
    return found


def points(difference: Spread) -> str:
    """Write a difference of accuracies: ``+6.3 ± 0.8 points, n = 5``; of few seeds no interval."""
    known = difference.n >= spread.LEAST
    half = f" ± {100 * difference.half:.1f}" if known else ""
    return f"{signed(difference.mean)}{half} points, {_seeds(difference)}"


def _seeds(found: Spread) -> str:
    """Write how many seeds there are; the line never breaks in it."""
    return f"n{NBSP}={NBSP}{found.n}"


def signed(share: float) -> str:
    """Write a difference of shares in points, with a minus that is as wide as the plus."""
    return f"{100 * share:+.1f}".replace("-", "−")


def _versus(first: series.Runs | None, second: series.Runs | None) -> Measured | None:
    """Measure that the first is more accurate than the second."""
    if first is None or second is None:
        return None
    found = spread.difference(first.accuracies, second.accuracies)
    return Measured([found], f"{percent(first.mean)} and {percent(second.mean)}: {points(found)}")


def _without(first: series.Runs | None, second: series.Runs | None) -> Measured | None:
    """Measure that the first, which goes without something, loses nothing against the second."""
    found = _versus(first, second)
    return None if found is None else replace(found, loss=LOSS)


def _norms(found: Experiment, first: str, second: str) -> Measured | None:
    return _versus(series.final(found, norm=first), series.final(found, norm=second))


def _faster(found: Experiment) -> Measured | None:
    """How many times fewer epochs BatchNorm needs for what the bare network ends with."""
    batch, none = (series.final(found, norm=norm) for norm in ("batch", "none"))
    if batch is None or none is None:
        return None
    epochs = series.epochs_to_reach(found, "batch", batch.rate, none.mean)
    total = max(p["epoch"] for curve in found.raw["curves"] for p in curve["validation"])
    times = spread.mean_of([total / epoch for epoch in epochs])
    half = f" ± {times.half:.1f}" if times.n >= spread.LEAST else ""
    number = f"{times.mean:.1f}{half} × fewer epochs to {percent(none.mean)}, {_seeds(times)}"
    return Measured([replace(times, mean=times.mean - 1)], number)


def _rates(found: Experiment) -> Measured | None:
    shared = set(series.values(found, "learning_rate"))
    for norm in ("batch", "none"):
        shared &= {row["learning_rate"] for row in found.rows if row["norm"] == norm}
    if not shared:
        return None
    rate = max(shared)
    batch, none = (
        series.Runs(rate, series.at_rate(found, rate, norm=norm)) for norm in ("batch", "none")
    )
    found_at = _versus(batch, none)
    return None if found_at is None else replace(found_at, number=f"At {rate:g}: {found_at.number}")


def _shift(found: Experiment) -> Measured | None:
    return _medians(found, (("shift_relative", "shift"),))


def _smooth(found: Experiment) -> Measured | None:
    return _medians(
        found,
        (("smoothness", "gradient"), ("loss_range", "loss")),
    )


def _medians(found: Experiment, columns: Sequence[tuple[str, str]]) -> Measured | None:
    rates = next(iter(series.settings(found).values()))
    parts, words = [], []
    for column, name in columns:
        none, batch = (
            series.medians(found, column, norm, rates[norm]) for norm in ("none", "batch")
        )
        if not none or not batch:
            return None
        parts.append(spread.difference(none, batch))
        ratio = sum(batch) / len(batch) / (sum(none) / len(none))
        words.append(f"{name} × {ratio:.2f}")
    text = ", ".join(words)
    number = f"{text[0].upper()}{text[1:]}, {_seeds(parts[0])}"
    return Measured(parts, number)


def _small_batches(found: Experiment) -> Measured | None:
    sizes = series.values(found, "batch")
    small, large = sizes[0], sizes[-1]
    at = {
        (norm, size): series.final(found, norm=norm, batch=size)
        for norm in ("batch", "group")
        for size in (small, large)
    }
    if any(runs is None for runs in at.values()):
        return None
    runs = {key: value for key, value in at.items() if value is not None}
    lost = spread.difference(runs["batch", large].accuracies, runs["batch", small].accuracies)
    ahead = spread.difference(runs["group", small].accuracies, runs["batch", small].accuracies)
    return Measured(
        [lost, ahead],
        f"{signed(-lost.mean)} points from {large} to {small}; there GroupNorm "
        f"{signed(ahead.mean)}, {_seeds(lost)}",
    )


def _places(
    first: str, second: str, without: bool = False
) -> Callable[[Experiment], Measured | None]:
    """Compare two variants of ``batch_norm_where`` or ``batch_norm_depth``."""

    def measure(found: Experiment) -> Measured | None:
        table = series.variants(found)
        return (_without if without else _versus)(table.get(first), table.get(second))

    return measure


def _modes(found: Experiment) -> Measured:
    running = next(row for row in found.rows if row["statistics"] == "running")
    mixed = [row for row in found.rows if (row["statistics"], row["batches"]) == ("batch", "mixed")]
    ends = [min(mixed, key=_size), max(mixed, key=_size)]
    parts = [
        spread.proportion_difference(
            (running["accuracy"], running["n"]), (row["accuracy"], row["n"])
        )
        for row in ends
    ]
    words = ", ".join(f"{percent(r['accuracy'])} at {r['batch_size']}" for r in ends)
    return Measured(parts, f"{percent(running['accuracy'])} → {words} in a batch")


def _size(row: Mapping[str, Any]) -> int:
    return int(row["batch_size"])


def _folding(found: Experiment) -> Measured:
    """Rounding is all that may differ: a part in a thousand of the largest logit."""
    worst = max(row["max_difference"] / row["largest"] for row in found.rows)
    return Measured(
        [Spread(-worst, 0.0, spread.LEAST)],
        f"Logits change by {power(worst)} of the largest",
        loss=1e-3,
    )


_Measure = Callable[[Experiment], Measured | None]
_IOFFE = ("Ioffe & Szegedy 2015", "https://arxiv.org/abs/1502.03167")
_SANTURKAR = ("Santurkar et al. 2018", "https://arxiv.org/abs/1805.11604")
_GROUP = ("Wu & He 2018", "https://arxiv.org/abs/1803.08494")
_ADVICE = ("common advice", "")
_CLAIMS: tuple[tuple[str, str, tuple[str, str], str, _Measure], ...] = (
    ("batch_norm_speed", "Trains faster (14 × on ImageNet)", _IOFFE, "speed", _faster),
    ("batch_norm_speed", "Ends more accurate", _IOFFE, "speed",
     lambda found: _norms(found, "batch", "none")),
    ("batch_norm_speed", "Allows higher learning rates", _IOFFE, "speed", _rates),
    ("batch_norm_speed", "Beats GroupNorm (large batches)", _GROUP, "speed",
     lambda found: _norms(found, "batch", "group")),
    ("batch_norm_statistics", SHIFT, _IOFFE, "why", _shift),
    ("batch_norm_statistics", SMOOTH, _SANTURKAR, "why", _smooth),
    ("batch_norm_batch_size", "Fails in small batches", _GROUP, "batches",
     _small_batches),
    ("batch_norm_where", "Belongs before the activation", _IOFFE, "where",
     _places("before the activation", "after the activation")),
    ("batch_norm_where", "Needs no bias in front of it", _IOFFE, "where",
     _places("before the activation", "with a convolution bias", without=True)),
    ("batch_norm_where", "Does not belong on the logits", _ADVICE, "where",
     _places("before the activation", "on the output layer too")),
    ("batch_norm_where", "Belongs on the input too", _ADVICE, "where",
     _places("on the input too", "before the activation")),
    ("batch_norm_where", "Makes dropout superfluous", _IOFFE, "where",
     _places("before the activation", "with dropout", without=True)),
    ("batch_norm_where", "Helps in fully connected networks", _IOFFE, "where",
     _places("fully connected, BatchNorm", "fully connected, none")),
    ("batch_norm_depth", "ResNets do not need it", _ADVICE, "depth",
     _places("residual, none", "residual, BatchNorm", without=True)),
    ("batch_norm_depth", "SkipInit replaces it in ResNets",
     ("De & Smith 2020", "https://arxiv.org/abs/2002.10444"), "depth",
     _places("residual, SkipInit", "residual, BatchNorm", without=True)),
    ("batch_norm_depth", "Deep plain networks need it",
     ("He et al. 2016", "https://arxiv.org/abs/1512.03385"), "depth",
     _places("plain, BatchNorm", "plain, none")),
    ("batch_norm_modes", "Forgetting eval() ruins answers",
     ("PyTorch", "https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html"), "modes",
     _modes),
    ("batch_norm_folding", "Folds away at inference",
     ("Jacob et al. 2018", "https://arxiv.org/abs/1712.05877"), "folding", _folding),
)  # fmt: skip
