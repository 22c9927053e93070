"""What do tiles and a larger working resolution cost in time?

    python -m training.experiments.deployment.small_object_cost --data-dir DIR

The remedies of `segmentation.small_objects`, on the small U-Net with and without its extra fine
level, take turns on an idle machine. Times do not depend on the weights, so these are untrained.

Rows, one a network, method and round:

- ``network``: "usual" or "an extra fine level"; ``method``: as in `object_size`.
- ``round``; ``milliseconds``: of one image; ``ratio``: to "usual", "as it is" of that round.
- ``gflop``: of an answer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

import torch

from training.engine.compute import PRECISIONS, ComputeConfig, choose_precision
from training.engine.distributed import Processes
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.segmentation.object_size import METHODS
from training.experiments.segmentation.small_cars import StudioRecipe, gflop, make_network

NAME = "small_object_cost"
QUESTION = "What do tiles and a larger working resolution cost in time?"
NETWORKS = {"usual": False, "an extra fine level": True}
ROUNDS = 7


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""

    def of(network: str, method: str) -> float:
        return median(
            row["ratio"] for row in rows if (row["network"], row["method"]) == (network, method)
        )

    told = ", ".join(f"{method} {of('usual', method):.1f}" for method in list(METHODS)[1:])
    return (
        f"Times of an answer, as multiples of the usual network as it is: {told}, an extra fine "
        f"level {of('an extra fine level', 'as it is'):.1f}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, f"runs/{NAME}").parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("torch",))
    device = torch.device("cpu")
    compute = ComputeConfig(Processes(0, 1, device), choose_precision(device, "auto"))
    assert compute.precision in PRECISIONS
    small: dict[str, Any] = {"resolution": 48, "widths": (4, 6)} if options.quick else {}
    recipes = {n: StudioRecipe(0.0, fine_level=fine, **small) for n, fine in NETWORKS.items()}
    networks = {name: make_network(recipe, 0).eval() for name, recipe in recipes.items()}
    size = next(iter(recipes.values())).size
    image = torch.randn(1, 3, *size).contiguous(memory_format=torch.channels_last)
    cases = {(n, m): partial(METHODS[m], networks[n], image) for n in NETWORKS for m in METHODS}
    cost = {(n, m): gflop(networks[n], size, METHODS[m]) for n, m in cases}
    rows = []
    for number in range(-1, 1 if options.quick else ROUNDS):  # the first one warms up
        times = {}
        for case, call in cases.items():
            with torch.inference_mode(), compute.autocast():
                start = time.perf_counter()
                call()
                times[case] = 1000 * (time.perf_counter() - start)
        for (network, method), spent in times.items():
            ratio = spent / times["usual", "as it is"]
            name = {"network": network, "method": method, "round": number}
            more = {"milliseconds": spent, "ratio": ratio, "gflop": cost[network, method]}
            rows += [name | more] if number >= 0 else []
    return study.conclude(
        rows,
        finding(rows),
        [0],
        compute=compute.describe(),
        limits="one machine; untrained networks, whose times are those of trained ones; a round "
        "stands where others have a seed.",
        quick=options.quick,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
