"""How does BatchNorm help, and would you use it in every layer? In the recorded numbers."""

from __future__ import annotations

from pages.sections.batch_norm import recorded_series
from zoo.experiments import Experiment


def short_answer() -> list[tuple[str, str]]:
    """Return (question, answer) for each question whose measurement is recorded.

    The answers are figures side by side; none is worded so that other figures would make it false.

    Raises:
        ExperimentError: a recorded experiment is damaged.
    """
    questions = (
        ("batch_norm_speed", "Does it help?", _helps),
        ("batch_norm_speed", "How?", _forgives),
        ("batch_norm_where", "In every layer?", _layers),
        ("batch_norm_batch_size", "With few images in a batch?", _batches),
        ("batch_norm_modes", "What must one not forget?", _modes),
    )
    return [
        (question, sentence(found))
        for name, question, sentence in questions
        if (found := recorded_series.recorded(name)) is not None
    ]


def _helps(found: Experiment) -> str:
    batch, none = (
        recorded_series.best(found, "learning_rate", norm=norm) for norm in ("batch", "none")
    )
    if batch is None or none is None:
        return "Not measured."
    return (
        f"The same network, trained as long, reached {recorded_series.percent(batch[1])} with "
        f"it and "
        f"{recorded_series.percent(none[1])} without, each at its best learning rate."
    )


def _forgives(found: Experiment) -> str:
    rates = recorded_series.values(found, "learning_rate")
    batch, none = (recorded_series.accuracy_range(found, norm) for norm in ("batch", "none"))
    return (
        f"It changes what a learning rate does: between {rates[0]:g} and {rates[-1]:g} the network "
        f"ended at {batch} with it and at {none} without."
    )


def _layers(found: Experiment) -> str:
    means = {row["variant"]: row["mean"] for row in recorded_series.variants(found)}
    before, after, output = (
        recorded_series.percent(means[name])
        for name in ("before the activation", "after the activation", "on the output layer too")
    )
    with_it, without = (
        recorded_series.percent(means[name]) for name in ("residual, BatchNorm", "residual, none")
    )
    return (
        f"Behind every convolution, before the activation: {before}; after it: {after}; on the "
        f"output layer too: {output}. In a residual network {with_it} with it, {without} without. "
        f"Two seeds of one variant differ by up to {100 * recorded_series.noise(found):.1f} points."
    )


def _batches(found: Experiment) -> str:
    sizes = recorded_series.values(found, "batch")
    largest = recorded_series.mean(found, "accuracy", norm="batch", batch=sizes[-1])
    batch, group = (
        recorded_series.percent(recorded_series.mean(found, "accuracy", norm=norm, batch=sizes[0]))
        for norm in ("batch", "group")
    )
    return (
        f"In batches of {sizes[0]} it reached {batch} and GroupNorm {group}; in batches of "
        f"{sizes[-1]} it reached {recorded_series.percent(largest)}."
    )


def _modes(found: Experiment) -> str:
    running = next(row for row in found.rows if row["statistics"] == "running")
    alone = dict(recorded_series.modes(found, "mixed"))
    smallest = min(alone)
    return (
        f"Evaluation mode: {recorded_series.percent(running['accuracy'])} with the running "
        f"statistics, "
        f"{recorded_series.percent(alone[smallest])} with those of a batch of {smallest:g}."
    )
