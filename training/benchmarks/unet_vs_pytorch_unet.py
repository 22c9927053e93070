"""How does our small U-Net compare with the classic one of 31 million parameters?

    python -m training.benchmarks.unet_vs_pytorch_unet --data-dir DIR

All learn from the same augmented pictures in the same order, as many of them, with the same loss,
optimizer and schedule, twice: from Carvana's studio photos alone, three times as long; and briefly
from pictures of everywhere (pasted cars and streets, too), which is much more to learn. In the
second case ours is there at the better of two learning rates, chosen on the validation cars; and,
because a small network needs less time for a picture, once with ten times as many.

They are timed in turns on this CPU, one picture of 512 × 342 at a time, their BatchNorms folded
into the convolutions, in the layout that is fastest for each of them (channels_last). Ours is there
as it is shipped, with blocks that look around, and without them. The result is
``zoo/experiments/unet_vs_pytorch_unet.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from training import carvana
from training.benchmarks.classic_unet import ClassicUNet
from training.carvana_record import plain
from training.data.augment_cars import Sources
from training.data.carvana import HEIGHT, WIDTH
from training.errors import run_command
from training.experiments import unet_training as unets
from training.machine import PRECISIONS
from training.predict_masks import Held
from training.records import provenance, write_experiment
from zoo.batch_norm.folding import fold
from zoo.bench import take_turns
from zoo.networks.unet import UNet

NAME = "unet_vs_pytorch_unet"
QUESTION = "Is the small U-Net as accurate as the classic one, and how much faster?"
OURS, CLASSIC = "ours", "classic"
STUDIO, EVERYWHERE = "studio", "everywhere"
STUDIO_LONGER = 3  # times as many pictures of the studio alone, so that both are nearly done
RATES = (1.0, 1 / 3)  # of the recipe's peak learning rates
# Of the runs that take half an hour or more on two cores, and what is compared with them: at the
# lower rate both small ones came out worse.
ONE_RATE = (1.0,)
LONGER = 10  # times as many pictures, which the small one sees in half of the classic one's time
SEED = 0
CONTEXT = carvana.PRESETS["context"].context
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
    """What a row of the table was trained on: which pictures, how, at which learning rates."""

    network: str
    pictures_from: str
    recipe: carvana.Recipe
    rates: Sequence[float]

    def best(
        self, make: Callable[[], nn.Module], sources: Sources, held: Held, out: Path
    ) -> dict[str, Any]:
        """Train the network at each of the learning rates; return the best run's row."""
        rows = []
        for rate in self.rates:
            name = f"{self.network}-{self.pictures_from}-{self.recipe.epochs}-epochs"
            wanted = replace(
                self.recipe,
                peak_learning_rate=rate * self.recipe.peak_learning_rate,
                muon_rate=rate * self.recipe.muon_rate,
            )
            folder = out / f"{name}-rate-{rate:.2g}-seed-{SEED}"
            record = unets.train(wanted, sources, held, unets.machine(), SEED, folder, make)
            facts = {
                "pictures_from": self.pictures_from,
                "pictures": wanted.epochs * wanted.pictures,
                "peak_learning_rate": wanted.peak_learning_rate,
                "muon_rate": wanted.muon_rate,
                "git_commit": record["git_commit"],
            }
            rows.append(facts | unets.metrics_of(record))
        return max(rows, key=lambda row: float(row["iou"]))


def runs_of(networks: Iterable[str], recipe: carvana.Recipe) -> list[Run]:
    """Return the rows' trainings; ``recipe`` is the one for pictures of everywhere."""
    height, width = recipe.small.height, recipe.small.width
    alone = replace(carvana.SHARP, height=height, width=width, paste=0.0, street=0.0)
    studio = replace(recipe, epochs=STUDIO_LONGER * recipe.epochs, small=alone)
    longer = replace(recipe, epochs=LONGER * recipe.epochs)
    return [
        *(Run(n, STUDIO, studio, ONE_RATE) for n in networks),
        *(Run(n, EVERYWHERE, recipe, ONE_RATE if n == CLASSIC else RATES) for n in networks),
        Run(OURS, EVERYWHERE, longer, ONE_RATE),
    ]


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""

    def row(network: str, pictures_from: str) -> Mapping[str, Any]:
        mine = [r for r in rows if (r["network"], r["pictures_from"]) == (network, pictures_from)]
        return min(mine, key=lambda r: int(r["pictures"]))

    ours, classic = row(OURS, STUDIO), row(CLASSIC, STUDIO)
    everywhere = row(OURS, EVERYWHERE), row(CLASSIC, EVERYWHERE)
    longer = max((r for r in rows if r["network"] == OURS), key=lambda r: int(r["pictures"]))
    ratios = [classic[f"{format}_ms"] / ours[f"{format}_ms"] for format in PRECISIONS]
    time = classic["seconds"] / max(ours["seconds"], 0.1)  # a rehearsal takes no time
    return (
        f"With {ours['parameters'] / 1e6:.1f} instead of {classic['parameters'] / 1e6:.1f} "
        f"million parameters the small U-Net answers {ratios[0]:.1f} times faster in float32 and "
        f"{ratios[1]:.1f} times in bfloat16. After the same {ours['pictures']:,} pictures of the "
        f"studio its validation IoU is {ours['iou']:.4f} and that of the classic one "
        f"{classic['iou']:.4f}, which took {time:.1f} times as long; after only "
        f"{everywhere[0]['pictures']:,} of everywhere they are {everywhere[0]['iou']:.4f} and "
        f"{everywhere[1]['iou']:.4f}, and ours after {longer['pictures']:,} {longer['iou']:.4f}."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and write its JSON."""
    options, recipe = unets.parse(QUESTION, arguments)
    record = provenance(carvana.PACKAGES)
    classic = (lambda: ClassicUNet((4, 8))) if options.quick else ClassicUNet
    makers: dict[str, Callable[[], nn.Module]] = {
        OURS: partial(UNet, recipe.widths, context=CONTEXT),
        f"{OURS}-without-context": partial(UNet, recipe.widths),
        CLASSIC: classic,
    }
    sources, held = carvana.read_sources(options.data_dir)
    networks = {name: make().eval() for name, make in makers.items()}
    example = torch.randn(1, 3, 64, 96).numpy()
    folded = {
        name: fold(network, example).network.to(memory_format=torch.channels_last)
        for name, network in networks.items()
    }
    timed = latencies(folded, 2 if options.quick else ROUNDS)
    runs = runs_of(makers, recipe)
    rows = [
        {
            "network": run.network,
            "parameters": sum(p.numel() for p in networks[run.network].parameters()),
        }
        | run.best(makers[run.network], sources, held, options.out)
        | timed[run.network]
        for run in runs
    ]
    path = write_experiment(
        NAME,
        question=QUESTION,
        finding=finding(rows),
        rows=rows,
        record=record,
        seeds=[SEED],
        folder=options.folder,
        studio_recipe=plain(next(run.recipe for run in runs if run.pictures_from == STUDIO)),
        **unets.facts(options, recipe, held),
    )
    print(f"{path}: {finding(rows)}")
    return 0


if __name__ == "__main__":
    run_command(main)
