"""How does our small U-Net compare with the classic one of 31 million parameters?

    python -m training.benchmarks.unet_vs_pytorch_unet --data-dir DIR

All learn from the same augmented pictures of Carvana in the same order, as many of them, with the
same loss, optimizer and schedule. Ours is there as it is shipped, with blocks that look around, and
without them; each has three seeds, whose spread says which differences mean something. The classic
one takes 20 times as long for a picture, and has two of these seeds. Because a small network needs
less time, ours is there once more with several times as many pictures.

The threshold of each is chosen on the validation cars, and so was the recipe; the test cars are
measured once, at the end.

They are timed in turns on this CPU, one picture of 512 × 342 at a time, their BatchNorms folded
into the convolutions, in the layout that is fastest for each of them (channels_last). The result is
``zoo/experiments/unet_vs_pytorch_unet.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from training import carvana
from training.benchmarks.classic_unet import ClassicUNet
from training.data.augment_cars import Sources
from training.data.carvana import HEIGHT, WIDTH, Pair, load
from training.earlier_run import take_weights
from training.errors import run_command
from training.experiments import unet_training as unets
from training.machine import PRECISIONS
from training.predict_masks import Held, predict
from training.records import provenance, write_experiment
from training.segmentation_metrics import measure
from zoo.batch_norm.folding import fold
from zoo.bench import take_turns
from zoo.networks.unet import UNet
from zoo.spread import by_car, views

NAME = "unet_vs_pytorch_unet"
QUESTION = "Is the small U-Net as accurate as the classic one, and how much faster?"
OURS, CLASSIC = "ours", "classic"
LONGER = 3  # times as many pictures, for which the small one needs less time than the classic one
SEEDS = (0, 1, 2)
SEEDS_OF_CLASSIC = SEEDS[:2]
CONTEXT = carvana.RECIPE.context
ROUNDS = 15


def latencies(networks: Mapping[str, nn.Module], rounds: int) -> dict[str, dict[str, float]]:
    """Time networks with channels last, in turns, a picture at a time; medians in milliseconds."""
    picture = torch.randn(1, 3, HEIGHT, WIDTH).to(memory_format=torch.channels_last)

    def call(network: nn.Module, dtype: torch.dtype) -> None:
        bfloat16 = dtype == torch.bfloat16
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            network(picture)

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
    recipe: carvana.Recipe
    seed: int

    def row(
        self,
        make: Callable[[], nn.Module],
        sources: Sources,
        held: Held,
        test: Sequence[Pair],
        out: Path,
    ) -> dict[str, Any]:
        """Train the network, or take what ``out`` holds; return the columns about accuracy."""
        pictures = self.recipe.epochs * self.recipe.pictures
        folder = out / f"{self.network}-{pictures}-pictures-seed-{self.seed}"
        where = unets.machine()
        record = unets.train(self.recipe, sources, held, where, self.seed, folder, make)
        network = make()
        take_weights(network, folder)
        tested = measure(
            (name, found >= record["threshold"], true)
            for name, found, true in predict(network, test, where)
        )
        return {
            "seed": self.seed,
            "pictures": pictures,
            "parameters": record["parameters"],
            "git_commit": record["git_commit"],
            "precision": record["machine"]["precision"],
            **unets.metrics_of(record),
            **{f"test_{name}": tested[name] for name in ("iou", "boundary_iou", "worst")},
            "test_cars": {car.name: car.mean for car in by_car(views(tested["pictures"]))},
        }


def without_worst(row: Mapping[str, Any]) -> float:
    """Return the mean IoU over a row's test cars but its worst one: one car may decide a mean."""
    cars = sorted(row["test_cars"].values())
    return float(np.mean(cars[1:] or cars))


def runs_of(networks: Iterable[str], recipe: carvana.Recipe) -> list[Run]:
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
    few = min(int(row["pictures"]) for row in rows)
    longer = max(rows, key=lambda row: int(row["pictures"]))
    ours, classic = (
        [row for row in rows if row["network"] == name and row["pictures"] == few]
        for name in (OURS, CLASSIC)
    )

    def means(column: str) -> list[float]:
        return [float(np.mean([row[column] for row in some])) for some in (ours, classic)]

    ratios = [other / mine for mine, other in (means(f"{format}_ms") for format in PRECISIONS)]
    iou, other_iou = means("iou")
    # One car may decide a test mean, and chance whether it is cut out well: so each seed is told.
    tested, other_tested = (", ".join(f"{r['test_iou']:.4f}" for r in rs) for rs in (ours, classic))
    mine, other = ours[0]["seconds"], classic[0]["seconds"]  # of one seed, hence of one machine
    calm, other_calm = (float(np.mean([without_worst(r) for r in rs])) for rs in (ours, classic))
    return (
        f"With {ours[0]['parameters'] / 1e6:.1f} instead of {classic[0]['parameters'] / 1e6:.1f} "
        f"million parameters the small U-Net answers {ratios[0]:.1f} times faster in float32 and "
        f"{ratios[1]:.1f} times in bfloat16. After the same {few:,} pictures its validation IoU is "
        f"{iou:.4f} (mean of {len(ours)} seeds) and that of the classic one {other_iou:.4f} (of "
        f"{len(classic)}), their test IoU by seed {tested} and {other_tested} (means of {calm:.4f} "
        f"and {other_calm:.4f} over the cars but each one's worst), and the classic one learned "
        f"{other / max(mine, 0.1):.1f} times as long; after {longer['pictures']:,} pictures the "
        f"small one has {longer['iou']:.4f} and {longer['test_iou']:.4f}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and write its JSON."""
    options, short = unets.parse(QUESTION, arguments)
    recipe = unets.of_the_studio(short)
    record = provenance(carvana.PACKAGES)
    classic = (lambda: ClassicUNet((4, 8))) if options.quick else ClassicUNet
    makers: dict[str, Callable[[], nn.Module]] = {
        OURS: partial(UNet, recipe.widths, context=CONTEXT),
        f"{OURS}-without-context": partial(UNet, recipe.widths),
        CLASSIC: classic,
    }
    sources, held = carvana.read_sources(options.data_dir)
    held = Held(held.studio)  # who learned in the studio alone is not asked about streets
    test = load(options.data_dir, "test")
    networks = {name: make().eval() for name, make in makers.items()}
    example = torch.randn(1, 3, 64, 96).numpy()
    folded = {
        name: fold(network, example).network.to(memory_format=torch.channels_last)
        for name, network in networks.items()
    }
    timed = latencies(folded, 2 if options.quick else ROUNDS)
    rows = [
        {"network": run.network}
        | timed[run.network]
        | run.row(makers[run.network], sources, held, test, options.out)
        for run in runs_of(makers, recipe)
    ]
    path = write_experiment(
        NAME,
        question=QUESTION,
        finding=finding(rows),
        rows=rows,
        record=record,
        seeds=list(SEEDS),
        folder=options.folder,
        tested_on=f"Carvana, {len(test)} test pictures of {len({p.car for p in test})} cars",
        **unets.facts(options, recipe, held),
    )
    print(f"{path}: {finding(rows)}")
    return 0


if __name__ == "__main__":
    run_command(main)
