"""How does our small U-Net compare with the classic one of 31 million parameters?

    python -m training.benchmarks.unet_vs_pytorch_unet --data-dir DIR

All learn from the same augmented images of Carvana in the same order, as many of them, with the
same loss, optimizer and schedule. Ours is there as it is shipped, with blocks that look around, and
without them; each has three seeds, whose spread says which differences mean something. The classic
one takes 20 times as long for an image, and has two of these seeds. Because a small network needs
less time, ours is there once more with several times as many images.

The threshold of each is chosen on the validation cars, and so was the recipe; the test cars are
measured once, at the end.

They are timed in turns on this CPU, one image of 512 × 342 at a time, their BatchNorms folded
into the convolutions, in the layout that is fastest for each of them (channels_last). The result is
``zoo/experiments/unet_vs_pytorch_unet.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from training.benchmarks.classic_unet import ClassicUNet
from training.carvana.carvana_record import segmenter
from training.carvana.carvana_settings import CarvanaRecipe
from training.data.carvana_photos import HEIGHT, WIDTH, ImageMaskPair, load
from training.engine.compute import PRECISIONS
from training.engine.failures import run_command
from training.engine.init_from import take_weights
from training.experiments import command
from training.experiments.interval_text import percent
from training.experiments.segmentation.unet_study import CONTEXT, UnetStudy, metrics_of
from training.metrics.mask_predictions import measure_model
from zoo.bench import take_turns
from zoo.graph.folding import fold
from zoo.networks.segmentation.unet import UNet
from zoo.segmentation.iou_by_group import by_car, views

NAME = "unet_vs_pytorch_unet"
QUESTION = "Is the small U-Net as accurate as the classic one, and how much faster?"
LIMITS = (
    "One learning rate for both. After so few images the test IoU hangs on a single car, "
    "beside which a network may mark the floor, and other rounding (float32 instead of "
    "bfloat16) changes as much as another seed. The float32 rows were trained later on "
    "another processor, so their seconds compare with no other row's. What the classic one "
    "reaches after as many images as the small one's longest run was not measured."
)
OURS, CLASSIC = "ours", "classic"
LONGER = 3  # times as many images, for which the small one needs less time than the classic one
SEEDS = (0, 1, 2)
SEEDS_OF_CLASSIC = SEEDS[:2]
ROUNDS = 15


def latencies(networks: Mapping[str, nn.Module], rounds: int) -> dict[str, dict[str, float]]:
    """Time networks with channels last, in turns, an image at a time; medians in milliseconds."""
    image = torch.randn(1, 3, HEIGHT, WIDTH).to(memory_format=torch.channels_last)

    def call(network: nn.Module, dtype: torch.dtype) -> None:
        bfloat16 = dtype == torch.bfloat16
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            network(image)

    cases = {
        (name, format): partial(call, network, dtype)
        for format, dtype in PRECISIONS.items()
        for name, network in networks.items()
    }
    found: dict[str, dict[str, float]] = {name: {} for name in networks}
    for (name, format), (seconds, _) in take_turns(cases, rounds).items():
        found[name][f"{format}_ms"] = 1000 * seconds
    return found


@dataclass(frozen=True)
class Run:
    """What a row of the table was trained on: how, and from which seed."""

    network: str
    recipe: CarvanaRecipe
    seed: int

    def row(
        self, make: Callable[[], nn.Module], study: UnetStudy, test: Sequence[ImageMaskPair]
    ) -> dict[str, Any]:
        """Train the network, or take what is there; return the columns about accuracy."""
        images = self.recipe.epochs * self.recipe.images
        folder = f"{self.network}-{images}-images-seed-{self.seed}"
        record = study.train(self.recipe, self.seed, folder, make)
        network = make()
        take_weights(network, study.options.out / folder)
        network.to(study.compute.device)
        tested = measure_model(segmenter(network, record["threshold"], study.compute), test)
        return {
            "seed": self.seed,
            "images": images,
            "parameters": record["parameters"],
            "git_commit": record["git_commit"],
            "precision": record["compute"]["precision"],
            **metrics_of(record),
            **{f"test_{name}": tested[name] for name in ("iou", "boundary_iou", "worst")},
            "test_cars": {car.name: car.mean for car in by_car(views(tested["images"]))},
        }


def without_worst(row: Mapping[str, Any]) -> float:
    """Return the mean IoU over a row's test cars but its worst one: one car may decide a mean."""
    cars = sorted(row["test_cars"].values())
    return float(np.mean(cars[1:] or cars))


def runs_of(networks: Iterable[str], recipe: CarvanaRecipe) -> list[Run]:
    """Return the rows' trainings."""
    longer = replace(recipe, epochs=LONGER * recipe.epochs)
    return [
        *(
            Run(name, recipe, seed)
            for name in networks
            for seed in (SEEDS_OF_CLASSIC if name == CLASSIC else SEEDS)
        ),
        Run(OURS, longer, SEEDS[0]),
    ]


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""
    few = min(int(row["images"]) for row in rows)
    longer = max(rows, key=lambda row: int(row["images"]))
    ours, classic = (
        [row for row in rows if row["network"] == name and row["images"] == few]
        for name in (OURS, CLASSIC)
    )

    def means(column: str) -> list[float]:
        return [float(np.mean([row[column] for row in some])) for some in (ours, classic)]

    ratios = [other / mine for mine, other in (means(f"{format}_ms") for format in PRECISIONS)]
    iou, other_iou = means("iou")
    # One car may decide a test mean, and chance whether it is cut out well: so each seed is told.
    tested, other_tested = (
        ", ".join(f"{percent(r['test_iou'], 2)}" for r in rs) for rs in (ours, classic)
    )
    mine, other = ours[0]["seconds"], classic[0]["seconds"]  # of one seed, hence of one machine
    calm, other_calm = (float(np.mean([without_worst(r) for r in rs])) for rs in (ours, classic))
    return (
        f"With {ours[0]['parameters'] / 1e6:.1f} instead of {classic[0]['parameters'] / 1e6:.1f} "
        f"million parameters the small U-Net answers {ratios[0]:.1f} times faster in float32 and "
        f"{ratios[1]:.1f} times in bfloat16. After the same {few:,} images its validation IoU is "
        f"{percent(iou, 2)} (mean of {len(ours)} seeds) and that of the classic one "
        f"{percent(other_iou, 2)} (of {len(classic)}), their test IoU by seed {tested} and "
        f"{other_tested} (means of {percent(calm, 2)} and {percent(other_calm, 2)} over the cars "
        "but each one's worst), and the classic one learned "
        f"{other / max(mine, 0.1):.1f} times as long; after {longer['images']:,} images the "
        f"small one has {percent(longer['iou'], 2)} and {percent(longer['test_iou'], 2)}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and write its JSON."""
    study = UnetStudy(NAME, QUESTION, arguments, studio_alone=True)
    quick = study.options.quick
    makers: dict[str, Callable[[], nn.Module]] = {
        OURS: partial(UNet, study.recipe.widths, context=CONTEXT),
        f"{OURS}-without-context": partial(UNet, study.recipe.widths),
        CLASSIC: partial(ClassicUNet, (4, 8)) if quick else ClassicUNet,
    }
    test = load(study.options.data_dir, "test")
    networks = {name: make().eval() for name, make in makers.items()}
    example = torch.randn(1, 3, 64, 96).numpy()
    folded = {
        name: fold(network, example).network.to(memory_format=torch.channels_last)
        for name, network in networks.items()
    }
    timed = latencies(folded, 2 if quick else ROUNDS)
    rows = [
        {"network": run.network} | timed[run.network] | run.row(makers[run.network], study, test)
        for run in runs_of(makers, study.recipe)
    ]
    return study.conclude(
        rows,
        finding(rows),
        SEEDS,
        tested_on=f"Carvana, {len(test)} test images of {len({p.car for p in test})} cars",
        limits=LIMITS,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
