"""How does our small U-Net compare with the classic one of 31 million parameters?

    python -m training.benchmarks.unet_vs_pytorch_unet --data-dir DIR

All learn from the same augmented pictures in the same order, as many of them, with the same loss,
optimizer and schedule; each at the better of two learning rates, the recipe's and a third of it,
chosen on the validation cars. They are timed in turns on this CPU, one picture of 512 × 342 at a
time, their BatchNorms folded into the convolutions, in the layout that is fastest for each of them
(channels_last). Ours is there twice: as it is shipped, with blocks that look around, and without
them. The result is ``zoo/experiments/unet_vs_pytorch_unet.json``.
"""

from __future__ import annotations

import argparse
import copy
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
RATES = (1.0, 1 / 3)  # of the recipe's peak learning rates
SEED = 0
CONTEXT = carvana.PRESETS["context"].context
ROUNDS = 15


def latencies(networks: Mapping[str, nn.Module], rounds: int) -> dict[str, dict[str, float]]:
    """Time the networks in turns, one picture at a time; return the medians in milliseconds."""
    channels_last = torch.channels_last
    picture = torch.randn(1, 3, HEIGHT, WIDTH).to(memory_format=channels_last)
    networks = {
        name: copy.deepcopy(network).to(memory_format=channels_last)
        for name, network in networks.items()
    }

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
) -> dict[str, Any]:
    """Train a network at each learning rate; return the best run's row."""
    sources, held = carvana.read_sources(options.data_dir)
    rows = []
    for rate in RATES:
        folder = options.out / f"{name}-rate-{rate:.2g}-seed-{SEED}"
        wanted = replace(
            recipe,
            peak_learning_rate=rate * recipe.peak_learning_rate,
            muon_rate=rate * recipe.muon_rate,
        )
        record = unets.train(wanted, sources, held, unets.machine(), SEED, folder, make)
        rates = {"peak_learning_rate": wanted.peak_learning_rate, "muon_rate": wanted.muon_rate}
        rows.append(rates | unets.metrics_of(record))
    return max(rows, key=lambda row: float(row["iou"]))


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    ours, classic = rows[0], rows[-1]
    return (
        f"With {ours['parameters'] / 1e6:.1f} instead of {classic['parameters'] / 1e6:.1f} million "
        f"parameters the small U-Net reaches a validation IoU of {ours['iou']:.4f} (classic "
        f"{classic['iou']:.4f}) and answers {classic['float32_ms'] / ours['float32_ms']:.1f} times "
        "faster in float32."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and write its JSON."""
    options, recipe = unets.parse(QUESTION, arguments)
    record = provenance(carvana.PACKAGES)
    classic = (lambda: ClassicUNet((4, 8))) if options.quick else ClassicUNet
    makers: dict[str, Callable[[], nn.Module]] = {
        "ours": partial(UNet, recipe.widths, context=CONTEXT),
        "ours-without-context": partial(UNet, recipe.widths),
        "classic": classic,
    }
    networks = {name: make().eval() for name, make in makers.items()}
    example = torch.randn(1, 3, 64, 96).numpy()
    folded = {name: fold(network, example).network for name, network in networks.items()}
    timed = latencies(folded, 2 if options.quick else ROUNDS)
    rows = [
        {"network": name, "parameters": sum(p.numel() for p in networks[name].parameters())}
        | best_run(name, make, options, recipe)
        | timed[name]
        for name, make in makers.items()
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
