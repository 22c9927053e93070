"""Where does BatchNorm belong, and what becomes superfluous beside it?

    python -m training.experiments.batch_norm.batch_norm_where --data-dir DIR

The small network, changed in one thing at a time, and a fully connected one with BatchNorm and
without. Each has its own learning rate from the same search, then five seeds to the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.batch_norm.batch_norm_speed import RATES, SEARCH_SEEDS, against, finals
from training.experiments.batch_norm.small_network import Design
from training.experiments.batch_norm.small_study import LEARNING_RATES, SmallStudy
from training.experiments.interval_text import percent

NAME = "batch_norm_where"
QUESTION = "Where does BatchNorm help: which layers, before or after the activation, with dropout?"
BASE = "before the activation"
VARIANTS: dict[str, Design] = {
    BASE: Design(),
    "none": Design(norm="none"),
    "after the activation": Design(position="after"),
    "with a convolution bias": Design(bias=True),
    "on the output layer too": Design(output_norm=True),
    "on the input too": Design(input_norm=True),
    "before the last layer too": Design(head_norm=True),
    "with dropout": Design(dropout=0.2),
    "none, with dropout": Design(norm="none", dropout=0.2),
    "fully connected, BatchNorm": Design(kind="dense"),
    "fully connected, none": Design(norm="none", kind="dense"),
}
SHARED = (BASE, "none")  # with batch_norm_speed: the same search, the same cells


def finding(rows: Sequence[dict[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    parts = []
    for name in VARIANTS:
        _, own = finals(rows, name, "variant")
        base = "fully connected, none" if name.startswith("fully") else BASE
        ahead = "" if name == base else f" ({against(rows, name, base, 'variant')})"
        parts.append(f"{name} {percent(sum(own) / len(own))}{ahead}")
    seeds = len(finals(rows, BASE, "variant")[1])
    return (
        f"Accuracy on the validation images, mean of {seeds} seeds, and against the first, or the "
        f"fully connected without, with 95 % intervals: {'; '.join(parts)}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallStudy(NAME, QUESTION, arguments)
    rates = {
        name: study.search(design, RATES, SEARCH_SEEDS)
        if name in SHARED
        else study.search(design, LEARNING_RATES)
        for name, design in VARIANTS.items()
    }
    rows = study.compare(VARIANTS, rates)
    return study.conclude(
        rows,
        finding(rows),
        study.seeds,
        limits="small networks, half of the training images, one strength of dropout; learning "
        "rates were searched for with one seed, and a bias in front of BatchNorm changes nothing "
        "that a network can compute: its difference is how much luck that search has",
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
