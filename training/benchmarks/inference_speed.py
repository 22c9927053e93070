"""How long does an image take in each model of the zoo, on this machine?

    python -m training.benchmarks.inference_speed

Each network alone, as ``zoo.load`` gives it, on random inputs: one image, and a batch. All models
take turns, so that whatever else the machine does slows all of them alike; beside them stands a
ResNet-18 for images of 32 × 32 pixels, to compare with. The result is written to
``zoo/experiments/inference_speed.json``, from which README.md takes its column.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import zoo
from training.engine.failures import run_command
from training.engine.provenance import EXPERIMENTS, provenance, write_experiment
from zoo.bench import resnet18, take_turns

QUESTION = "How long does an image take in each model?"
LIMITS = "Random inputs and one machine; reading and preparing an image come on top."
RESNET = "resnet18"
BATCH = {"classification": 128, "segmentation": 4}  # a photo is work enough for all cores


def calls(names: Sequence[str]) -> dict[tuple[str, int], Callable[[], object]]:
    """Return what runs each network once, by model and images a pass."""
    found: dict[tuple[str, int], Callable[[], object]] = {}
    for name in names:
        model = zoo.load(name, device="cpu", source="bundle")
        shape = model.preprocessing.input_shape
        for batch in (1, BATCH[model.config["task"]]):
            found[name, batch] = partial(model.logits, _random(batch, shape))
    reference = resnet18(10).to(memory_format=torch.channels_last)
    for batch in (1, BATCH["classification"]):
        images = torch.from_numpy(_random(batch, (3, 32, 32)))

        def run(images: torch.Tensor = images) -> object:
            with torch.inference_mode():
                return reference(images)

        found[RESNET, batch] = run
    return found


def rows(times: Mapping[tuple[str, int], tuple[float, int]]) -> list[dict[str, Any]]:
    """Return a row a model: milliseconds of one image, and images a second in a batch."""
    models = dict.fromkeys(name for name, _ in times)
    table = []
    for name in models:
        batch = max(size for model, size in times if model == name)
        single, together = times[name, 1][0], times[name, batch][0]
        table.append(
            {
                "model": name,
                "single_ms": 1000 * single,
                "batch": batch,
                "images_per_second": batch / together,
                "times": times[name, 1][1],
            }
        )
    return table


def finding(table: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    return (
        "An image takes "
        + ", ".join(f"{row['single_ms']:.1f} ms in {row['model']}" for row in table)
        + " (float32, medians)."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.benchmarks.inference_speed", description=QUESTION
    )
    parser.add_argument("--rounds", type=int, default=9, help="of turns (default 9)")
    parser.add_argument("--folder", type=Path, default=EXPERIMENTS, metavar="DIR")
    options = parser.parse_args(arguments)
    record = provenance(("numpy", "torch"))
    table = rows(take_turns(calls(zoo.list_models()), options.rounds))
    said = finding(table)
    path = write_experiment(
        "inference_speed",
        question=QUESTION,
        finding=said,
        rows=table,
        record=record | {"threads": torch.get_num_threads()},
        seeds=[0],
        folder=options.folder,
        limits=LIMITS,
    )
    print(f"{path}: {said}")
    return 0


def _random(batch: int, shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((batch, *shape), dtype=np.float32)


if __name__ == "__main__":
    run_command(main)
