"""Do the workers of a DataLoader draw the same random numbers?

    python -m training.experiments.classification.worker_randomness --data-dir DIR

A data set that returns one random number for each index, through a DataLoader with several worker
processes, twice over. Where the numbers come from decides whether they are random.

Rows, one a way, number of workers and seed:

- ``way``: "numpy.random.rand()", "a Generator kept in the data set", "a Generator made in each
  worker", "torch.rand()".
- ``workers``: 0, 2 or 4; ``seed``; ``draws``: in an epoch.
- ``repeated``: share of the epoch's numbers that another index of the same epoch got too.
- ``repeated_next_epoch``: share of indices that get the same number in the next epoch.

``example``: the first eight numbers of each way with two workers.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.interval_text import percent

NAME = "worker_randomness"
QUESTION = "Do the workers of a DataLoader draw the same random numbers?"
WAYS = (
    "numpy.random.rand()", "a Generator kept in the data set", "a Generator made in each worker",
    "torch.rand()",
)  # fmt: skip
WORKERS, SEEDS, COUNT, BATCH = (0, 2, 4), (0, 1, 2), 64, 4


class Numbers(Dataset[float]):
    """One random number an index, drawn in one of `WAYS`."""

    def __init__(self, way: str, seed: int, count: int) -> None:
        self.way, self.seed, self.count = way, seed, count
        self.kept = np.random.default_rng(seed)  # each worker gets a copy of it, state and all
        self.own: np.random.Generator | None = None

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> float:
        if self.way == "numpy.random.rand()":
            return float(np.random.rand())  # noqa: NPY002 - the global generator is the subject
        if self.way == "a Generator kept in the data set":
            return float(self.kept.random())
        if self.way == "torch.rand()":
            return float(torch.rand((), dtype=torch.float64))
        if self.own is None:  # the seed of a worker is another one in each and in every epoch
            info = get_worker_info()
            self.own = np.random.default_rng(self.seed if info is None else info.seed)
        return float(self.own.random())


def epochs(way: str, workers: int, seed: int, count: int) -> tuple[list[float], list[float]]:
    """Return the numbers of two epochs, by index."""
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)
    loader = DataLoader(Numbers(way, seed, count), batch_size=BATCH, num_workers=workers)
    first, second = ([float(number) for batch in loader for number in batch] for _ in range(2))
    return first, second


def row(way: str, workers: int, seed: int, count: int) -> tuple[dict[str, Any], list[float]]:
    """Return the row of one way, and its first numbers."""
    first, second = epochs(way, workers, seed, count)
    often = Counter(first)
    repeated = mean(often[number] > 1 for number in first)
    again = mean(a == b for a, b in zip(first, second, strict=True))
    values = {"draws": count, "repeated": repeated, "repeated_next_epoch": again}
    return {"way": way, "workers": workers, "seed": seed} | values, first[:8]


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""

    def of(way: str, column: str) -> float:
        return mean(row[column] for row in rows if row["way"] == way and row["workers"] > 1)

    told = "; ".join(
        f"{way}: {percent(of(way, 'repeated'), 0)} and {percent(of(way, 'repeated_next_epoch'), 0)}"
        for way in WAYS
    )
    return (
        "Share of random numbers that another worker draws too, and that the next epoch draws "
        f"again: {told}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, f"runs/{NAME}").parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy", "torch"))
    count = 16 if options.quick else COUNT
    numbers = WORKERS[:2] if options.quick else WORKERS
    cases = list(itertools.product(WAYS, numbers, SEEDS))
    made = [row(way, workers, seed, count) for way, workers, seed in cases]
    example = [
        {"way": way, "numbers": first}
        for (way, workers, seed), (_, first) in zip(cases, made, strict=True)
        if (workers, seed) == (2, 0)
    ]
    rows = [one for one, _ in made]
    return study.conclude(
        rows,
        finding(rows),
        SEEDS,
        example=example,
        limits="this version of PyTorch, whose workers seed NumPy's global generator (since 1.9); "
        "worker processes are made by fork.",
        quick=options.quick,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
