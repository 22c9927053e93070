"""Does a ``DataLoader`` keep up with a network, and what does augmenting in memory cost?

    python -m training.benchmarks.image_loading --data-dir DIR

The same augmented batches of CIFAR-10 are made in memory, a whole batch at a time
(`training.data.image_batches`), and by PyTorch's ``DataLoader``, image by image, in this process
and in others. First the batches alone, then with a training step of the fast preset's network after
each: worker processes prepare the next batch meanwhile, if there is a core to spare. The ways take
turns. The result is written to ``zoo/experiments/image_loading.json``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from training.cifar10.cifar10_settings import PRESETS, Cifar10Recipe
from training.cifar10.cifar10_student import CifarStudent
from training.data import cifar_images as data
from training.data.augment_images import Draws
from training.data.image_batches import Batch, Plan, batches
from training.engine import distributed
from training.engine.compute import ComputeConfig, choose_precision
from training.engine.distributed import Processes
from training.engine.failures import run_command
from training.experiments import command

QUESTION = "Does a DataLoader keep up with a network, and what does augmenting in memory cost?"
LIMITS = (
    "Two cores, where worker processes take cores from the training; a GPU that waits for its "
    "images would say something else."
)
WAYS: dict[str, int | None] = {
    "in memory": None,
    "DataLoader, no worker": 0,
    "DataLoader, 1 worker": 1,
    "DataLoader, 2 workers": 2,
}
ROUNDS = 3
_Image = tuple[int, bool, int, int, int, int]  # index, flip, shift, corner


def seconds_a_batch(
    plan: Plan,
    workers: int | None,
    epoch: int,
    compute: ComputeConfig,
    learner: CifarStudent | None,
) -> float:
    """Go through an epoch and return its seconds a batch.

    Args:
        plan: of the epoch.
        workers: of the loader; None for batches made in memory.
        epoch: gives the draws, and so the images: the same for every way.
        compute: to compute.
        learner: takes a step on each batch; None only makes them.
    """
    start, count = time.perf_counter(), 0
    if workers is None:
        made = batches(plan, epoch, 0, compute.processes)
    else:
        made = from_workers(plan, epoch, compute.processes, workers)
    for inputs, labels in made:
        if learner is not None:
            learner.begin(learner.total_steps - 1)  # whole images, the smallest rate
            learner.learn(learner.losses(inputs, labels)[0])
        count += 1
    if compute.device.type == "cuda":
        torch.cuda.synchronize(compute.device)
    return (time.perf_counter() - start) / count


def from_workers(plan: Plan, epoch: int, processes: Processes, workers: int = 2) -> Iterator[Batch]:
    """Yield the batches of `training.data.image_batches.batches` from a ``DataLoader``.

    ``workers`` processes prepare them (0: this one).
    """
    device = processes.device
    loader = DataLoader(
        _Augmented(plan),
        batch_sampler=_Sampler(plan, epoch, processes),
        num_workers=workers,
        pin_memory=device.type == "cuda",
    )
    for inputs, labels in loader:
        inputs = inputs.to(device, non_blocking=True, memory_format=torch.channels_last)
        yield inputs, labels.to(device, non_blocking=True)


class _Augmented(Dataset[Batch]):
    """The data set, one image at a time; what happens to it is in the key."""

    def __init__(self, plan: Plan) -> None:
        self.images, self.labels = plan.images.cpu(), plan.labels.cpu()
        self.augmentation = plan.augmentation

    def __getitem__(self, key: _Image) -> Batch:
        index, flip, *rest = key
        numbers = torch.tensor(rest)
        draws = Draws(torch.tensor([flip]), numbers[None, :2], numbers[None, 2:])
        return self.augmentation(self.images[index][None], draws)[0], self.labels[index]


class _Sampler:
    """Names the images of each batch, with their draws."""

    def __init__(self, plan: Plan, epoch: int, processes: Processes) -> None:
        self.arguments = (epoch, 0, processes)
        self.plan = plan

    def __len__(self) -> int:
        return self.plan.steps

    def __iter__(self) -> Iterator[list[_Image]]:
        for chosen, draws in self.plan.draws(*self.arguments):
            columns = torch.cat([draws.shifts, draws.corners], dim=1).tolist()
            keys = zip(chosen.tolist(), draws.flips.tolist(), columns, strict=True)
            yield [(index, flip, *numbers) for index, flip, numbers in keys]


def measure(
    recipe: Cifar10Recipe, examples: data.LabelledImages, compute: ComputeConfig
) -> list[dict[str, Any]]:
    """Return a row for each way: median seconds a batch, without and with a training step."""
    images, labels = (
        torch.from_numpy(array).to(compute.device) for array in (examples.images, examples.labels)
    )
    plan = Plan(images, labels, recipe.augmentation, recipe.batch, seed=0)
    torch.manual_seed(0)
    learner = CifarStudent(recipe, recipe.widths, recipe.depth, plan, compute)
    times: dict[tuple[str, bool], list[float]] = {}
    for epoch in range(ROUNDS + 1):  # the first warms up
        for name, workers in WAYS.items():
            for learns in (False, True):
                taken = seconds_a_batch(plan, workers, epoch, compute, learner if learns else None)
                if epoch:
                    times.setdefault((name, learns), []).append(taken)
    return [
        {
            "way": name,
            "batch_seconds": statistics.median(times[name, False]),
            "step_seconds": statistics.median(times[name, True]),
        }
        for name in WAYS
    ]


def finding(rows: Sequence[Mapping[str, Any]], batch: int) -> str:
    """Say in one sentence what the table shows."""
    memory, single, _, double = rows

    def slower(row: Mapping[str, Any]) -> str:
        return f"{row['step_seconds'] / memory['step_seconds']:.2f}"

    return (
        f"A batch of {batch:,} takes {1000 * memory['batch_seconds']:.0f} ms in memory and "
        f"{single['batch_seconds'] / memory['batch_seconds']:.0f} times as long image by image "
        f"in a DataLoader; a training step on it takes {slower(single)} times as long with a "
        f"DataLoader as in memory, {slower(double)} times with two workers."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = command.parser(QUESTION)
    parser.add_argument("--steps", type=int, default=5, help="of an epoch (default 5)")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    study = command.Study("image_loading", QUESTION, options, ("torch",))
    processes = distributed.start(options.device)
    compute = ComputeConfig(processes, choose_precision(processes.device))
    recipe = PRESETS["fast"]
    examples = data.load(options.data_dir, "train")[: options.steps * recipe.batch]
    rows = measure(recipe, examples, compute)
    return study.conclude(
        rows,
        finding(rows, recipe.batch),
        [0],
        compute=compute.describe(),
        batch=recipe.batch,
        measured_on=f"CIFAR-10, {len(examples):,} training images, {ROUNDS} rounds in turns",
        limits=LIMITS,
    )


if __name__ == "__main__":
    run_command(main)
