"""From a U-Net of 0.92 IoU to 0.987: what does each step bring?

    python -m training.experiments.segmentation.car_ladder --data-dir DIR

Each rung is trained with its own learning rate, three times; the last is the shipped network, whose
figures stand in its record. All masks are compared at 512 × 342 pixels.

Rows, one a rung and seed:

- ``rung``, ``name``, ``change``, ``seed``, ``learning_rate``, ``parameters``; ``images``: learned
  from, with repetitions.
- ``iou``, ``boundary_iou``: mean over the validation images of the studio.
- ``recorded``: true if the row comes from the model's record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import zoo
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.interval_text import percent
from training.experiments.rate_search import RateSearch
from training.experiments.segmentation.small_car_study import SmallCarStudy
from training.experiments.segmentation.small_cars import (
    StudioRecipe,
    parameters,
    quality,
    timed,
    train,
)

NAME = "car_ladder"
QUESTION = "Which steps lead from a U-Net of 0.92 IoU to 0.987?"
SEARCH = RateSearch(rates=(1e-3, 3e-3, 1e-2), seeds=(0, 1, 2), score="iou")
FIRST = {"resolution": 96, "images": 1200, "loss": "bce", "zoom": [1.0, 1.0]}
STEPS: dict[str, tuple[str, dict[str, Any]]] = {  # each adds to the ones before
    "96 px, cross-entropy": ("a small U-Net, 1,200 images", {}),
    "soft Dice as well": ("cross-entropy and soft Dice", {"loss": "bce+dice"}),
    "192 px": ("twice the resolution", {"resolution": 192}),
    "scaled and coloured": ("other sizes and colours", {"zoom": [0.7, 1.4], "jitter": True}),
    "four times as long": ("4,800 images", {"images": 4800}),
    "288 px": ("half again the resolution", {"resolution": 288}),
}
SHIPPED = "the shipped network"


def run(study: SmallCarStudy, key: Mapping[str, Any]) -> dict[str, Any]:
    """Train one rung with one seed."""
    recipe = StudioRecipe.of(key)
    network, seconds = timed(lambda: train(recipe, study.photos, key["seed"], study.compute))
    found = quality(network, study.held_out, recipe.resolution, study.compute)
    return found | {"parameters": parameters(network), "seconds": seconds}


def recorded(rung: int) -> dict[str, Any]:
    """Return the row of the shipped network, from its record."""
    record = zoo.record("carvana", source="bundle")
    return {
        "rung": rung,
        "name": SHIPPED,
        "change": "512 px, blocks that look around, pasted cars: python -m training.carvana",
        "seed": record["seed"],
        "learning_rate": None,
        "parameters": record["parameters"],
        "images": None,
        "iou": record["metrics"]["validation"]["iou"],
        "boundary_iou": record["metrics"]["validation"]["boundary_iou"],
        "recorded": True,
    }


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    values = {n: [row["iou"] for row in rows if row["name"] == n] for n in names}
    told = ", ".join(f"{name} {percent(values[name])}" for name in names)
    return f"Validation IoU, rung by rung (mean, 95 % interval): {told}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    study = SmallCarStudy(NAME, QUESTION, arguments, SEARCH)
    variants, piled = [], dict(FIRST)
    for name, (_, more) in STEPS.items():
        piled |= more
        variants.append(study.variant(name=name, **piled))
    rows = []
    for number, one in enumerate(study.train(variants, run)):
        name = one.variant["name"]
        for seed, result in one.results.items():
            rows.append(
                {
                    "rung": number,
                    "name": name,
                    "change": STEPS[name][0],
                    "seed": seed,
                    "learning_rate": one.learning_rate,
                    "parameters": result["parameters"],
                    "images": one.variant["images"],
                    "iou": result["iou"],
                    "boundary_iou": result["boundary_iou"],
                    "recorded": False,
                }
            )
    rows.append(recorded(len(STEPS)))
    limits = "the last rung is one seed, and its recipe differs in much at once"
    return study.conclude(rows, finding(rows), study.search.seeds, limits=limits)


if __name__ == "__main__":
    run_command(main, command.GO_ON)
