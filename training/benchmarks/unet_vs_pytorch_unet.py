"""How does our small U-Net compare with the classic one of 31 million parameters?

    python -m training.benchmarks.unet_vs_pytorch_unet --data-dir DIR

All learn from the same augmented pictures in the same order, as many of them, with the same loss,
optimizer and schedule; ours at the better of two learning rates, chosen on the validation cars. A
small network needs less time for a picture, so ours also learns from ten times as many. They are
timed in turns on this CPU, one picture of 512 × 342 at a time, their BatchNorms folded into the
convolutions, in the layout that is fastest for each of them (channels_last). Ours is there as it is
shipped, with blocks that look around, and without them. The result is
``zoo/experiments/unet_vs_pytorch_unet.json``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn

from training import carvana
from training.benchmarks.classic_unet import ClassicUNet
from training.data.carvana import HEIGHT, WIDTH
from training.errors import run_command
from training.experiments import unet_training as unets
from training.machine import PRECISIONS
from training.records import provenance, write_experiment
from zoo.batch_norm.folding import fold
from zoo.bench import take_turns
from zoo.networks.unet import UNet

NAME = "unet_vs_pytorch_unet"
QUESTION = "Is the small U-Net as accurate as the classic one, and how much faster?"
OURS, CLASSIC = "ours", "classic"
RATES = (1.0, 1 / 3)  # of the recipe's peak learning rates
# Of the runs that take half an hour or more on two cores: at the lower rate both small ones came
# out worse.
LONG_RATES = (1.0,)
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


def best_run(
    name: str,
    make: Callable[[], nn.Module],
    options: argparse.Namespace,
    recipe: carvana.Recipe,
    rates: Sequence[float],
) -> dict[str, Any]:
    """Train a network at each of the learning rates; return the best run's row."""
    sources, held = carvana.read_sources(options.data_dir)
    rows = []
    for rate in rates:
        folder = options.out / f"{name}-{recipe.epochs}-epochs-rate-{rate:.2g}-seed-{SEED}"
        wanted = replace(
            recipe,
            peak_learning_rate=rate * recipe.peak_learning_rate,
            muon_rate=rate * recipe.muon_rate,
        )
        record = unets.train(wanted, sources, held, unets.machine(), SEED, folder, make)
        facts = {
            "pictures": wanted.epochs * wanted.pictures,
            "peak_learning_rate": wanted.peak_learning_rate,
            "muon_rate": wanted.muon_rate,
        }
        rows.append(facts | unets.metrics_of(record))
    return max(rows, key=lambda row: float(row["iou"]))


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""
    classic = next(row for row in rows if row["network"] == CLASSIC)
    ours = [row for row in rows if row["network"] == OURS]
    alike = next(row for row in ours if row["pictures"] == classic["pictures"])
    longer = max(ours, key=lambda row: int(row["pictures"]))
    time = longer["seconds"] / max(classic["seconds"], 0.1)  # a rehearsal takes no time
    ratios = [classic[f"{format}_ms"] / alike[f"{format}_ms"] for format in PRECISIONS]
    return (
        f"With {alike['parameters'] / 1e6:.1f} instead of {classic['parameters'] / 1e6:.1f} "
        f"million parameters the small U-Net answers {ratios[0]:.1f} times faster in float32 and "
        f"{ratios[1]:.1f} times in bfloat16. After as many training pictures its validation IoU "
        f"is {alike['iou']:.4f} and that of the classic one {classic['iou']:.4f}; after "
        f"{time:.2f} times the classic one's training time it is {longer['iou']:.4f}."
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
    runs = [(n, recipe, LONG_RATES if n == CLASSIC else RATES) for n in makers]
    runs += [(OURS, replace(recipe, epochs=LONGER * recipe.epochs), LONG_RATES)]
    networks = {name: make().eval() for name, make in makers.items()}
    example = torch.randn(1, 3, 64, 96).numpy()
    folded = {
        name: fold(network, example).network.to(memory_format=torch.channels_last)
        for name, network in networks.items()
    }
    timed = latencies(folded, 2 if options.quick else ROUNDS)
    rows = [
        {"network": name, "parameters": sum(p.numel() for p in networks[name].parameters())}
        | best_run(name, makers[name], options, how, rates)
        | timed[name]
        for name, how, rates in runs
    ]
    _, held = carvana.read_sources(options.data_dir)
    path = write_experiment(
        NAME,
        question=QUESTION,
        finding=finding(rows),
        rows=rows,
        record=record,
        seeds=[SEED],
        folder=options.folder,
        **unets.facts(options, recipe, held),
    )
    print(f"{path}: {finding(rows)}")
    return 0


if __name__ == "__main__":
    run_command(main)
