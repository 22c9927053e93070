"""What do a U-Net's width and its working resolution bring?

    python -m training.experiments.segmentation.network_sizes --data-dir DIR

Small U-Nets of several widths, and of one width at several resolutions, learn the studio, three
times each with their own learning rate. All masks are compared at 512 × 342 pixels.
`deployment.latency_front` adds the time that each takes.

Rows, one a network and seed:

- ``network``: such as "width × 1, 256 px"; ``width``: ½, 1 or 2; ``widths``: channels by level;
  ``resolution``: the longest side, 96 to 384.
- ``seed``, ``learning_rate``, ``parameters``; ``gflop``: of an answer.
- ``iou``, ``boundary_iou``: mean over the validation images of the studio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.interval_text import percent
from training.experiments.rate_search import RateSearch
from training.experiments.segmentation.small_car_study import SmallCarStudy
from training.experiments.segmentation.small_cars import (
    StudioRecipe,
    gflop,
    parameters,
    quality,
    timed,
    train,
)

NAME = "network_sizes"
QUESTION = "What do a U-Net's width and working resolution bring?"
SEARCH = RateSearch(rates=(1e-3, 3e-3, 1e-2), seeds=(0, 1, 2), score="iou")
BASE, MIDDLE = (16, 32, 64, 96), 192
SIZES = (  # width, resolution: a cross, not a grid
    (1.0, 192), (0.5, 192), (2.0, 192), (1.0, 96), (1.0, 288), (1.0, 384),
)  # fmt: skip


def name_of(width: float, resolution: int) -> str:
    """Return a network's name."""
    return f"width × {'½' if width == 0.5 else f'{width:g}'}, {resolution} px"


def widths_of(width: float) -> list[int]:
    """Return the channels by level."""
    return [round(width * base) for base in BASE]


def run(study: SmallCarStudy, key: Mapping[str, Any]) -> dict[str, Any]:
    """Train one network and measure it."""
    recipe = StudioRecipe.of(key)
    network, seconds = timed(lambda: train(recipe, study.photos, key["seed"], study.compute))
    found = quality(network, study.held_out, recipe.resolution, study.compute)
    facts = {"parameters": parameters(network), "gflop": gflop(network, recipe.size)}
    return found | facts | {"seconds": seconds}


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    names = list(dict.fromkeys(row["network"] for row in rows))

    def of(name: str, column: str) -> list[float]:
        return [row[column] for row in rows if row["network"] == name]

    told = "; ".join(
        f"{n}: {percent(of(n, 'iou'))} for {mean(of(n, 'gflop')):.2f} GFLOP" for n in names
    )
    return f"Validation IoU (mean, 95 % interval) and cost of an answer: {told}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallCarStudy(NAME, QUESTION, arguments, SEARCH)
    variants = [
        study.variant(
            network=name_of(width, resolution), width=width, widths=widths_of(width),
            resolution=resolution,
        )
        for width, resolution in SIZES
    ]  # fmt: skip
    rows = []
    for one in study.train(variants, run):
        name = {column: one.variant[column] for column in ("network", "width", "widths")}
        name |= {"resolution": one.variant["resolution"]}
        for seed, result in one.results.items():
            columns = ("parameters", "gflop", "iou", "boundary_iou")
            more = {"seed": seed, "learning_rate": one.learning_rate}
            rows.append(name | more | {column: result[column] for column in columns})
    limits = "all learn from as many images, so that the large ones are further from their best"
    return study.conclude(rows, finding(rows), study.search.seeds, limits=limits)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
