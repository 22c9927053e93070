"""What people say about BatchNorm, who said it first, and what was measured here.

A claim is listed only if its measurement is recorded; its sentence is written from the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pages.sections.batch_norm import recorded_series
from pages.sections.batch_norm.recorded_series import percent
from zoo.experiments import Experiment
from zoo.graph.folding import Comparison


@dataclass(frozen=True)
class Claim:
    """One claim and its measurement.

    Attributes:
        claim: what is said.
        source: who said it, and where.
        url: of the source.
        measured: what was measured here.
        command: repeats the measurement; "" for one that is made live.
    """

    claim: str
    source: str
    url: str
    measured: str
    command: str


def claims() -> list[Claim]:
    """Return the claims whose experiment is recorded.

    Raises:
        ExperimentError: a recorded experiment is damaged.
    """
    found = []
    for name, claim, source, url, sentence in _CLAIMS:
        experiment = recorded_series.recorded(name)
        if experiment is not None:
            found.append(Claim(claim, source, url, sentence(experiment), experiment.command))
    return found


def folding(compared: Comparison) -> Claim:
    """Return the claim about folding, with a live measurement.

    Args:
        compared: the network and its folded copy, by `zoo.batch_norm.compare`.
    """
    return Claim(
        "At inference it costs nothing: it folds into the convolution.",
        "Jacob et al. 2018, section 3.2",
        "https://arxiv.org/abs/1712.05877",
        f"The logits, of up to {compared.largest:.2f}, differ by at most "
        f"{compared.max_difference:.0e}; a forward pass takes {1000 * compared.before:.1f} ms with "
        f"BatchNorm and {1000 * compared.after:.1f} ms folded.",
        "",
    )


def _number(value: float | None) -> str:
    return "no number" if value is None else f"{value:.2g}"


def _speed(found: Experiment) -> str:
    parts = []
    for norm in ("batch", "none", "group", "layer"):
        if choice := recorded_series.best(found, "learning_rate", norm=norm):
            rate, accuracy = choice
            early = recorded_series.mean(
                found, "accuracy_after_quarter", norm=norm, learning_rate=rate
            )
            parts.append(
                f"{recorded_series.NAMES[norm]} {percent(early)} → {percent(accuracy)} (at "
                f"{rate:g})"
            )
    return (
        f"Accuracy after a quarter of the training → at its end, each at its best learning rate: "
        f"{'; '.join(parts)}."
    )


def _rates(found: Experiment) -> str:
    rates = ", ".join(f"{rate:g}" for rate in recorded_series.values(found, "learning_rate"))
    parts = [
        f"{recorded_series.NAMES[norm]} from {recorded_series.accuracy_range(found, norm)}"
        for norm in ("batch", "none")
    ]
    return f"Over the learning rates {rates}: {'; '.join(parts)}."


def _shift(found: Experiment) -> str:
    rate = recorded_series.values(found, "learning_rate")[0]
    batch, none = (recorded_series.summary(found, norm, rate) for norm in ("batch", "none"))
    return (
        f"A step of the layers in front changes a layer's gradient by "
        f"{_number(batch['shift_relative'])} of its length with BatchNorm and by "
        f"{_number(none['shift_relative'])} without (median over layers and training, "
        f"learning rate {rate:g})."
    )


def _smooth(found: Experiment) -> str:
    rate = recorded_series.values(found, "learning_rate")[0]
    batch, none = (recorded_series.summary(found, norm, rate) for norm in ("batch", "none"))
    return (
        f"Along ½ to 4 times the gradient step the loss varies by {_number(batch['loss_range'])} "
        f"with BatchNorm and {_number(none['loss_range'])} without; there the gradient changes by "
        f"at most {_number(batch['smoothness'])} times the distance walked with BatchNorm and "
        f"{_number(none['smoothness'])} times without (medians, learning rate {rate:g})."
    )


def _small_batches(found: Experiment) -> str:
    sizes = recorded_series.values(found, "batch")
    parts = [
        f"{recorded_series.NAMES[norm]} "
        + " → ".join(
            percent(recorded_series.mean(found, "accuracy", norm=norm, batch=size))
            for size in (sizes[-1], sizes[0])
        )
        for norm in ("batch", "group")
    ]
    return f"From batches of {sizes[-1]} to batches of {sizes[0]}: {'; '.join(parts)}."


def _variant(found: Experiment, *names: str) -> str:
    table = {row["variant"]: row for row in recorded_series.variants(found)}
    parts = "; ".join(f"{name} {percent(table[name]['mean'])}" for name in names)
    noise = 100 * recorded_series.noise(found)
    return f"{parts[0].upper()}{parts[1:]}. Two seeds differ by up to {noise:.1f} points."


def _modes(found: Experiment) -> str:
    running = next(row for row in found.rows if row["statistics"] == "running")
    mixed, single = (dict(recorded_series.modes(found, kind)) for kind in ("mixed", "one class"))
    size = max(set(mixed) & set(single))
    return (
        f"{percent(running['accuracy'])} with running statistics; with those of the batch "
        f"{percent(mixed[size])} in mixed batches of {size:g}, "
        f"{percent(mixed[min(mixed)])} one image at a time, and {percent(single[size])} in "
        f"batches of {size:g} that show one class."
    )


_Sentence = Callable[[Experiment], str]
_IOFFE = "Ioffe & Szegedy 2015", "https://arxiv.org/abs/1502.03167"
_SANTURKAR = "Santurkar et al. 2018", "https://arxiv.org/abs/1805.11604"
_CLAIMS: tuple[tuple[str, str, str, str, _Sentence], ...] = (
    ("batch_norm_speed", "It trains faster: the same accuracy in 14 times fewer steps.",
     f"{_IOFFE[0]}, abstract (ImageNet)", _IOFFE[1], _speed),
    ("batch_norm_speed", "It allows much higher learning rates.",
     f"{_IOFFE[0]}, abstract", _IOFFE[1], _rates),
    ("batch_norm_statistics", "It works because it reduces internal covariate shift.",
     f"{_IOFFE[0]}, title; disputed by {_SANTURKAR[0]}", _IOFFE[1], _shift),
    ("batch_norm_statistics", "It works because it makes the loss landscape smoother.",
     f"{_SANTURKAR[0]}, section 3", _SANTURKAR[1], _smooth),
    ("batch_norm_batch_size", "It fails with small batches, and GroupNorm does not.",
     "Wu & He 2018, figure 1 (ImageNet)", "https://arxiv.org/abs/1803.08494", _small_batches),
    ("batch_norm_where", "It belongs in front of the activation.",
     f"{_IOFFE[0]}, section 3.2", _IOFFE[1],
     lambda found: _variant(found, "before the activation", "after the activation")),
    ("batch_norm_where", "A convolution in front of it needs no bias.",
     f"{_IOFFE[0]}, section 3.2", _IOFFE[1],
     lambda found: _variant(found, "before the activation", "with a convolution bias")),
    ("batch_norm_where", "It does not belong on the output layer.",
     "common advice", "",
     lambda found: _variant(found, "before the activation", "on the output layer too")),
    ("batch_norm_where", "Residual networks do not need it.",
     "common advice; He et al. 2016 use it after every convolution",
     "https://arxiv.org/abs/1512.03385",
     lambda found: _variant(found, "residual, BatchNorm", "residual, none")),
    ("batch_norm_modes", "Forgetting evaluation mode ruins the answers.",
     "PyTorch's documentation of eval()",
     "https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html", _modes),
)  # fmt: skip
