"""Does a network train faster with BatchNorm, and does it need BatchNorm for that?

    python -m training.experiments.batch_norm.batch_norm_speed --data-dir DIR

The small network of these experiments on CIFAR-10, with four kinds of normalization. Each has its
own learning rate from the same search, whose first round, with three seeds, also shows what every
learning rate does; then five seeds to the end. A stopped run goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.batch_norm.small_network import NORMS, Design
from training.experiments.batch_norm.small_study import SmallStudy, network_facts
from training.experiments.interval_text import percent
from zoo.experiments import spread

NAME = "batch_norm_speed"
QUESTION = (
    "How fast does the same network train with BatchNorm, GroupNorm, LayerNorm and without a norm?"
)
RATES = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8)
SEARCH_SEEDS = 3
TITLES = {"none": "no norm", "batch": "BatchNorm", "group": "GroupNorm", "layer": "LayerNorm"}


def finals(rows: Sequence[dict[str, Any]], name: str, column: str) -> tuple[float, list[float]]:
    """Return the learning rate and the accuracies of a variant's final trainings.

    Args:
        rows: of an experiment with a search.
        name: of the variant.
        column: that names the variants.
    """
    own = [row for row in rows if row["stage"] == "final" and row[column] == name]
    return own[0]["learning_rate"], [row["accuracy"] for row in own]


def against(rows: Sequence[dict[str, Any]], name: str, other: str, column: str) -> str:
    """Say by how much one variant is ahead of another, and whether the seeds let one say so."""
    found = spread.difference(finals(rows, name, column)[1], finals(rows, other, column)[1])
    said = spread.verdict([found])
    if said == spread.FEW:
        return f"{100 * found.mean:+.1f} points ({said})"
    tie = f", {said}" if said == spread.TIE else ""
    return f"{100 * found.mean:+.1f} ± {100 * found.half:.1f} points{tie}"


def finding(rows: Sequence[dict[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    parts = []
    for norm in ("batch", "none", "group", "layer"):
        rate, own = finals(rows, norm, "norm")
        ahead = "" if norm == "batch" else f" ({against(rows, norm, 'batch', 'norm')})"
        parts.append(f"{TITLES[norm]} {percent(sum(own) / len(own))} at {rate:g}{ahead}")
    seeds = len(finals(rows, "batch", "norm")[1])
    return (
        f"Each at the learning rate of its own search, mean of {seeds} seeds, against BatchNorm "
        f"with 95 % intervals: {'; '.join(parts)}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallStudy(NAME, QUESTION, arguments)
    designs = {norm: Design(norm) for norm in ("batch", "none", "group", "layer")}
    assert set(designs) == set(NORMS)
    rates = {norm: study.search(design, RATES, SEARCH_SEEDS) for norm, design in designs.items()}
    for seed in study.seeds:
        study.measure([study.key(design, rates[norm], seed) for norm, design in designs.items()])
    rows = [{"norm": cell.key["design"]["norm"]} | cell.row() for cell in study.cells]
    bare = next(cell.key for cell in study.cells if cell.key["design"]["norm"] == "none")
    return study.conclude(
        rows,
        finding(rows),
        study.seeds,
        curves=study.curves(),
        network=network_facts(bare),
        limits="a small network, half of the training images; learning rates were searched for "
        "with three seeds at a quarter of the length, the two best with one seed to the end",
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
