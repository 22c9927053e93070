"""How long does ``--preset fast`` take on CIFAR-10, beside airbench94_muon on the same machine?

    python -m training.benchmarks.cifar_time_to_94 --data-dir DIR [--full] [--seeds 0 1 2]

airbench94_muon (K. Jordan 2024, github.com/KellerJordan/cifar10-airbench) is the fastest published
recipe for 94 % with test-time augmentation. It is written again here, for any device: at the start
of each epoch it crops and mirrors the whole data set, which lies there as floats, at once.

Without ``--full`` the parts of both are timed in turns: what an epoch prepares, and a training step
with and without a gradient for the whitening layer. A training takes its parts' times times their
numbers. With ``--full`` both are trained as well, once a seed, on the 45,000 training pictures, and
measured on the 5,000 validation pictures with six views: the table then shows the predicted time
beside the real one. (The test set is for ``training.evaluate``.)

The result is written to ``zoo/experiments/cifar_time_to_94.json``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training import distributed
from training.cifar10 import PRESETS, Learner, Recipe
from training.data import cifar10 as data
from training.data.augment_images import ImageAugmentation, normalize
from training.data.loaders import Batch, Plan, from_memory
from training.errors import run_command
from training.machine import PRECISIONS, Machine, choose_precision
from training.predict import measure
from training.records import provenance, write_experiment

FAST = PRESETS["fast"]
# Its published settings; that they are those of the fast preset is no accident.
AIRBENCH = Recipe(
    epochs=8, batch=2000, kept=1.0, widths=(64, 256, 256), depth=2,
    muon_rate=0.24, muon_momentum=0.6, shift_rate=0.053, head_rate=0.67, momentum=0.85,
    weight_decay=2e-6, whiten_epochs=3.0, batch_norm_momentum=0.4, label_smoothing=0.2,
    augmentation=ImageAugmentation(flip=True, translate=2, cutout=0),
)  # fmt: skip


class Contender:
    """One of the two recipes: a network that learns, and the batches it learns from."""

    def __init__(
        self, recipe: Recipe, pictures: data.Pictures, machine: Machine, seed: int
    ) -> None:
        images, labels = (
            torch.from_numpy(array).to(machine.device)
            for array in (pictures.images, pictures.labels)
        )
        self.plan = Plan(images, labels, recipe.augmentation, recipe.batch, seed)
        self.machine = machine
        torch.manual_seed(seed)
        self.learner = Learner(recipe, recipe.widths, recipe.depth, self.plan, machine)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Yield an epoch's batches, as the recipe makes them."""
        return from_memory(self.plan, epoch, 0, self.machine.processes)

    def step(self, number: int, batch: Batch) -> None:
        """Learn from a batch; ``number`` counts the steps of the training."""
        self.learner.begin(number)
        losses, _ = self.learner.losses(*batch)
        self.learner.learn(losses)


class Airbench(Contender):
    """airbench94_muon: the same network and settings, but for ε and the head's first weights."""

    def __init__(self, pictures: data.Pictures, machine: Machine, seed: int) -> None:
        super().__init__(AIRBENCH, pictures, machine, seed)
        network = self.learner.network
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 1e-12
        with torch.no_grad():
            network.head.reset_parameters()
            network.head.weight /= network.head.weight.std()
        coins = torch.rand(len(pictures), device=machine.device) < 0.5
        inputs = normalize(self.plan.images)
        inputs = torch.where(coins[:, None, None, None], inputs.flip(3), inputs)
        self.padded = functional.pad(inputs, (2, 2, 2, 2), mode="reflect")

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Crop every picture anew, mirror all of them in every other epoch, shuffle."""
        inputs = _crop_all(self.padded)
        if epoch % 2:
            inputs = inputs.flip(3)
        order = torch.randperm(len(inputs), device=inputs.device)
        for chosen in order[: self.plan.steps * self.plan.batch].split(self.plan.batch):
            batch = inputs[chosen].contiguous(memory_format=torch.channels_last)
            yield batch, self.plan.labels[chosen]


def _crop_all(padded: Tensor) -> Tensor:
    """Cut a square at a random place, one of 25, out of each picture (N, 3, 36, 36)."""
    size = padded.shape[-1] - 4
    places = torch.randint(0, 5, (len(padded), 2), device=padded.device)
    cropped = padded.new_empty(len(padded), 3, size, size)
    for row in range(5):
        for column in range(5):
            here = (places[:, 0] == row) & (places[:, 1] == column)
            cropped[here] = padded[here, :, row : row + size, column : column + size]
    return cropped


def time_parts(contenders: dict[str, Contender], rounds: int) -> dict[str, dict[str, float]]:
    """Time the parts of both recipes in turns.

    Returns:
        Median seconds by recipe: ``prepare`` (an epoch's, beyond what each batch takes), ``early``
        and ``late`` (a batch and a step, with and without a gradient for the whitening layer).
    """
    times: dict[str, dict[str, list[float]]] = {
        name: {"prepare": [], "early": [], "late": []} for name in contenders
    }
    for number in range(rounds + 1):  # the first round warms up
        for name, contender in contenders.items():
            device = contender.machine.device
            batches = contender.batches(number)
            late = contender.learner.whiten_steps
            first, prepared = _timed(device, batches.__next__)
            second, fetched = _timed(device, batches.__next__)
            _, early_step = _timed(device, partial(contender.step, 0, first))
            _, late_step = _timed(device, partial(contender.step, late, second))
            if number:
                times[name]["prepare"].append(max(prepared - fetched, 0.0))
                times[name]["early"].append(fetched + early_step)
                times[name]["late"].append(fetched + late_step)
    return {
        name: {part: statistics.median(values) for part, values in parts.items()}
        for name, parts in times.items()
    }


def predict_seconds(contender: Contender, parts: dict[str, float]) -> float:
    """Return a whole training's seconds: its parts' times times their numbers."""
    learner, epochs = contender.learner, contender.learner.recipe.epochs
    early = learner.whiten_steps
    late = learner.total_steps - early
    return epochs * parts["prepare"] + early * parts["early"] + late * parts["late"]


def train(contender: Contender, validation: data.Pictures) -> tuple[float, float]:
    """Train to the end; return the seconds and the validation accuracy with six views."""
    start = time.perf_counter()
    step = 0
    for epoch in range(contender.learner.recipe.epochs):
        for batch in contender.batches(epoch):
            contender.step(step, batch)
            step += 1
    _synchronize(contender.machine.device)
    seconds = time.perf_counter() - start
    network = contender.learner.network
    return seconds, measure(network, validation, contender.machine, augmented=True)["accuracy"]


def _timed(device: torch.device, work: Callable[[], Any]) -> tuple[Any, float]:
    _synchronize(device)
    start = time.perf_counter()
    result = work()
    _synchronize(device)
    return result, time.perf_counter() - start


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def finding(rows: list[dict[str, Any]], ratio: float) -> str:
    """Return what the table shows, in one sentence."""
    said = f"The fast preset takes {ratio:.2f} times the time of airbench94_muon (predicted)"
    measured = {
        name: [row["accuracy"] for row in rows if row["recipe"] == name and row["accuracy"]]
        for name in ("fast", "airbench94_muon")
    }
    if all(measured.values()):
        ours, theirs = (statistics.mean(values) for values in measured.values())
        n = len(measured["fast"])
        said += f" and reaches {ours:.2%} where that reaches {theirs:.2%} (validation, n={n})"
    return said + "."


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.benchmarks.cifar_time_to_94",
        description=(__doc__ or "").splitlines()[0],
    )
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    parser.add_argument("--rounds", type=int, default=5, help="steps of each kind to time")
    parser.add_argument("--full", action="store_true", help="train both to the end as well")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="N")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=["auto", *PRECISIONS], default="auto")
    options = parser.parse_args()
    record = provenance(("torch",))
    processes = distributed.start(options.device)
    on_gpu = processes.device.type == "cuda"
    precision = choose_precision(processes.device, options.precision)
    machine = Machine(processes, precision, compiled=on_gpu)
    training = data.load(options.data_dir, "train")
    validation = data.load(options.data_dir, "validation")

    def contenders(seed: int) -> dict[str, Contender]:
        return {
            "fast": Contender(FAST, training, machine, seed),
            "airbench94_muon": Airbench(training, machine, seed),
        }

    both = contenders(options.seeds[0])
    parts = time_parts(both, options.rounds)
    predicted = {name: predict_seconds(both[name], parts[name]) for name in both}
    rows: list[dict[str, Any]] = []
    for seed in options.seeds if options.full else [None]:
        for name, contender in contenders(seed or 0).items() if options.full else both.items():
            seconds, accuracy = train(contender, validation) if options.full else (None, None)
            row = {"recipe": name, "seed": seed, "predicted_seconds": round(predicted[name], 1)}
            row |= {"seconds": seconds and round(seconds, 1), "accuracy": accuracy}
            rows.append(row | {part: round(value, 4) for part, value in parts[name].items()})
            print(rows[-1], flush=True)
    ratio = predicted["fast"] / predicted["airbench94_muon"]
    path = write_experiment(
        "cifar_time_to_94",
        question="Is the fast preset no slower than airbench94_muon on the same machine?",
        finding=finding(rows, ratio),
        rows=rows,
        record=record | {"machine": machine.describe()},
        seeds=options.seeds if options.full else options.seeds[:1],
        ratio=round(ratio, 4),
    )
    print(f"{finding(rows, ratio)}\n→ {path}")
    return 0


if __name__ == "__main__":
    run_command(main)
