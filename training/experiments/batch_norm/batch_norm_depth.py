"""Do deep networks need BatchNorm, plain and residual ones?

    python -m training.experiments.batch_norm.batch_norm_depth --data-dir DIR

Twenty layers as in He et al. 2016, section 4.2: plain and residual, with BatchNorm and without; the
residual one also with GroupNorm, and with a start that was made for networks without norms
(SkipInit, De & Smith 2020). Each has its own learning rate from the same search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.batch_norm.batch_norm_speed import against, finals
from training.experiments.batch_norm.small_network import Design
from training.experiments.batch_norm.small_study import SmallStudy
from training.experiments.interval_text import percent

NAME = "batch_norm_depth"
QUESTION = "Do networks of 20 layers need BatchNorm, plain and residual ones?"
WIDTHS = (16, 32, 64)
RATES = (0.0125, 0.025, 0.05, 0.1, 0.2)
VARIANTS: dict[str, Design] = {
    "residual, BatchNorm": Design(kind="deep", residual=True, widths=WIDTHS),
    "residual, none": Design("none", kind="deep", residual=True, widths=WIDTHS),
    "residual, SkipInit": Design("none", kind="deep", residual=True, skip_init=True, widths=WIDTHS),
    "residual, GroupNorm": Design("group", kind="deep", residual=True, widths=WIDTHS),
    "plain, BatchNorm": Design(kind="deep", widths=WIDTHS),
    "plain, none": Design("none", kind="deep", widths=WIDTHS),
}


def finding(rows: Sequence[dict[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    parts = []
    for name in VARIANTS:
        rate, own = finals(rows, name, "variant")
        base = f"{name.split(',')[0]}, BatchNorm"
        ahead = "" if name == base else f" ({against(rows, name, base, 'variant')})"
        parts.append(f"{name} {percent(sum(own) / len(own))} at {rate:g}{ahead}")
    seeds = len(finals(rows, "residual, BatchNorm", "variant")[1])
    return (
        f"Twenty layers, each at the learning rate of its own search, mean of {seeds} seeds, and "
        f"against the same with BatchNorm with 95 % intervals: {'; '.join(parts)}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallStudy(NAME, QUESTION, arguments)
    rates = {name: study.search(design, RATES) for name, design in VARIANTS.items()}
    rows = study.compare(VARIANTS, rates)
    return study.conclude(
        rows,
        finding(rows),
        study.seeds,
        limits="narrow networks at 16 × 16, half of the training images, no gradient clipping",
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
