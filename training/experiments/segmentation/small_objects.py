"""0.92 IoU, but small objects fail: what helps at which size, and what does it cost?

    python -m training.experiments.segmentation.small_objects --data-dir DIR

Small U-Nets learn the studio in different ways, three times each; then they see validation photos
whose car has been scaled down to 1/2 … 1/16, in several ways. Two things are told apart: an image
that is **enlarged** has no pixel more than the network's working size had, its car is only as large
as the network knows cars; at a higher **working resolution** more of the photo's own pixels arrive
(up to its 512) and the car is larger as well. `deployment.small_object_cost` has the time of each.

Rows, one a network, method, scale and seed:

- ``network``: "one size" (no change of size in training), "many sizes" (scale augmentation),
  "many sizes, focal loss", "many sizes, an extra fine level" (a level at the full resolution).
- ``method``: "as it is", "enlarged × 2", "enlarged × 4", "working resolution × 2", "working
  resolution × 4", "2 × 2 tiles", "4 × 4 tiles" (tiles of the photo at that resolution).
- ``scale``: 1, 2, 4, 8 or 16: the car is that many times smaller; ``car_width``: in pixels, mean.
- ``seed``, ``learning_rate``.
- ``iou``: mean over the images; ``found``: share of the images with an IoU of at least ½.
- ``gflop``: of an answer, multiplications and additions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import mean
from typing import Any

import numpy as np
from torch import nn

from training.data.carvana_photos import ImageMaskPair
from training.engine.compute import ComputeConfig
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.interval_text import percent
from training.experiments.rate_search import RateSearch
from training.experiments.segmentation.object_size import METHODS, SCALES, shrunk, tiled
from training.experiments.segmentation.small_car_study import SmallCarStudy
from training.experiments.segmentation.small_cars import (
    Predict,
    StudioRecipe,
    gflop,
    probabilities,
    timed,
    train,
)
from zoo.segmentation.masks import iou

NAME = "small_objects"
QUESTION = "0.92 IoU, but small objects fail: what helps at which size?"
SEARCH = RateSearch(rates=(1e-3, 3e-3, 1e-2), seeds=(0, 1, 2), score="iou")
MANY = {"zoom": [0.1, 1.3]}
NETWORKS: dict[str, dict[str, Any]] = {
    "one size": {"zoom": [1.0, 1.0]},
    "many sizes": MANY,
    "many sizes, focal loss": MANY | {"loss": "focal"},
    "many sizes, an extra fine level": MANY | {"fine_level": True},
}
IMAGES = 8  # of the validation photos, spread over its cars
FOUND = 0.5


WAYS: dict[str, tuple[int, Predict]] = {  # times the working resolution, and how to ask
    "as it is": (1, METHODS["as it is"]),
    "enlarged × 2": (1, METHODS["working resolution × 2"]),
    "enlarged × 4": (1, METHODS["working resolution × 4"]),
    "working resolution × 2": (2, METHODS["as it is"]),
    "working resolution × 4": (4, METHODS["as it is"]),
    "2 × 2 tiles": (2, partial(tiled, parts=2, enlarge=1)),
    "4 × 4 tiles": (4, partial(tiled, parts=4, enlarge=1)),
}


def run(study: SmallCarStudy, key: Mapping[str, Any]) -> dict[str, Any]:
    """Train one network and measure it at all sizes, with all methods."""
    recipe = StudioRecipe.of(key)
    network, seconds = timed(lambda: train(recipe, study.photos, key["seed"], study.compute))
    pairs = study.held_out[:: max(1, len(study.held_out) // IMAGES)]
    rows = measure(network, pairs, recipe, study.compute)
    score = mean(row["iou"] for row in rows if row["method"] == "as it is")
    return {"iou": score, "rows": rows, "seconds": seconds}


def measure(
    network: nn.Module, pairs: Sequence[ImageMaskPair], recipe: StudioRecipe, compute: ComputeConfig
) -> list[dict[str, Any]]:
    """Return a row for each scale and method."""
    rows = []
    height, width = recipe.size
    cost = {
        name: gflop(network, (times * height, times * width), predict)
        for name, (times, predict) in WAYS.items()
    }
    for scale in SCALES:
        images = [shrunk(pair, scale) for pair in pairs]
        widths = [int(mask.any(axis=0).sum()) for _, mask in images]
        for method, (times, predict) in WAYS.items():
            side = times * recipe.resolution
            values = [
                iou(probabilities(network, image, side, compute, predict) >= 0.5, mask)
                for image, mask in images
            ]
            rows.append(
                {
                    "method": method,
                    "scale": scale,
                    "car_width": float(np.mean(widths)),
                    "iou": float(np.mean(values)),
                    "found": float(np.mean(np.array(values) >= FOUND)),
                    "gflop": cost[method],
                }
            )
    return rows


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""

    def of(network: str, method: str, scale: int) -> float:
        return mean(
            row["iou"]
            for row in rows
            if (row["network"], row["method"], row["scale"]) == (network, method, scale)
        )

    cases = list(dict.fromkeys((row["network"], row["method"]) for row in rows))
    told = []
    for scale in SCALES[1:]:
        found = {case: of(case[0], case[1], scale) for case in cases}
        best = max(found, key=lambda case: found[case])
        told.append(f"1/{scale}: {best[0]}, {best[1]}, {percent(found[best], 0)}")
    plain = [of("one size", "as it is", scale) for scale in SCALES]
    return (
        f"Trained on one size, the IoU falls from {percent(plain[0], 0)} to "
        f"{percent(plain[-1], 0)} when the car "
        f"shrinks to 1/{SCALES[-1]}; with many sizes to "
        f"{percent(of('many sizes', 'as it is', 16), 0)}. "
        f"Best at each size: {'; '.join(told)}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallCarStudy(NAME, QUESTION, arguments, SEARCH)
    variants = [
        study.variant(network=name, **how) | {"ways": list(WAYS)} for name, how in NETWORKS.items()
    ]
    rows = [
        {"network": one.variant["network"], "seed": seed, "learning_rate": one.learning_rate} | row
        for one in study.train(variants, run)
        for seed, result in one.results.items()
        for row in result["rows"]
    ]
    limits = (
        "photos are shrunk on a floor that goes on around them; learning rates were chosen by the "
        "mean IoU over all sizes; focal loss may put the edge at another probability than ½"
    )
    return study.conclude(rows, finding(rows), study.search.seeds, limits=limits)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
