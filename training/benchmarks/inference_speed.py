"""How long does an image take in each model of the zoo, on this machine?

    python -m training.benchmarks.inference_speed

Each network alone, as ``zoo.load`` gives it, on random inputs: one image, and a batch. All models
take turns, so that whatever else the machine does slows all of them alike; beside them stands a
ResNet-18 for images of 32 × 32 pixels, to compare with. The result is written to
``zoo/experiments/inference_speed.json``, from which README.md takes its column.

It needs an idle machine, and refuses another: PyTorch's threads wait for each other at the end of
each layer, so a thread that has to share its core makes all of them late. With two threads on one
core an image in the object network took 200 ms of processor time where one thread takes 10. For the
same reason there are never more threads than cores that this process may use.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import zoo
from training.engine.failures import TrainingError, run_command
from training.experiments import command
from training.experiments.interval_text import percent
from zoo.bench import resnet18, take_turns

QUESTION = "How long does an image take in each model?"
LIMITS = "Random inputs and one machine; reading and preparing an image come on top."
RESNET = "resnet18"
BUSY = 0.1  # share of the cores that others may use
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


def cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    try:
        return sorted(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return list(range(os.cpu_count() or 1))


def others_busy(seconds: float = 1.0, stat: Path = Path("/proc/stat")) -> float:
    """Return the share of this process's cores that others use, in [0, 1]; 0 if nobody tells.

    Args:
        seconds: to watch for, asleep.
        stat: Linux's counters.
    """
    if not stat.exists():
        return 0.0
    before = _ticks(stat)
    time.sleep(seconds)
    spent = [after - start for after, start in zip(_ticks(stat), before, strict=True)]
    return spent[0] / max(1, sum(spent))


def _ticks(stat: Path) -> tuple[int, int]:
    """Return how long this process's cores have worked and been idle, in ticks."""
    mine = {f"cpu{number}" for number in cores()}
    work = idle = 0
    for line in stat.read_text().splitlines():
        name, *values = line.split()
        if name in mine:
            ticks = [int(value) for value in values[:8]]  # user nice system idle iowait irq …
            idle += ticks[3] + ticks[4]
            work += sum(ticks) - ticks[3] - ticks[4]
    return work, idle


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
    parser = command.parser(QUESTION, data=False)
    parser.add_argument("--rounds", type=int, default=9, help="of turns (default 9)")
    parser.add_argument("--busy", action="store_true", help="measure though others work, too")
    options = parser.parse_args(arguments)
    busy = others_busy()
    if busy > BUSY and not options.busy:
        raise TrainingError(
            f"Others use {percent(busy, 0)} of the cores, which would be measured with it: wait "
            "until the machine is idle, or add --busy."
        )
    torch.set_num_threads(min(torch.get_num_threads(), len(cores())))
    study = command.Study("inference_speed", QUESTION, options, ("numpy", "torch"))
    table = rows(take_turns(calls(zoo.list_models(own=False, alternatives=False)), options.rounds))
    return study.conclude(
        table,
        finding(table),
        [0],
        threads=torch.get_num_threads(),
        others_busy=round(busy, 3),
        limits=LIMITS,
    )


def _random(batch: int, shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((batch, *shape), dtype=np.float32)


if __name__ == "__main__":
    run_command(main)
