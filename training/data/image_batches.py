"""Augmented batches of an epoch, by two ways that give the same images.

`from_memory` augments whole batches of the data set, which lies on the device as uint8;
`from_workers` is PyTorch's ``DataLoader``, which prepares image by image in other processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from training.data.augment_images import Draws, ImageAugmentation, generator
from training.engine.distributed import Processes

Batch = tuple[Tensor, Tensor]  # float32 (N, 3, H, W), channels last; int64 (N,)
_Image = tuple[int, bool, int, int, int, int]  # index, flip, shift, corner


@dataclass(frozen=True)
class Plan:
    """What an epoch shows, in which order, and how it is changed.

    Attributes:
        images: uint8 (N, H, W, 3).
        labels: int64 (N,).
        augmentation: drawn anew for every batch.
        batch: images a batch, over all processes.
        seed: of the run.
    """

    images: Tensor
    labels: Tensor
    augmentation: ImageAugmentation
    batch: int
    seed: int

    @property
    def steps(self) -> int:
        """Batches an epoch; the last, incomplete one is left out."""
        return len(self.labels) // self.batch

    def draws(self, epoch: int, first: int, processes: Processes) -> Iterator[tuple[Tensor, Draws]]:
        """Yield this process's share of each batch from number ``first``: indices and draws.

        They depend on (seed, epoch, batch number) alone, so that a resumed run goes on as the
        unbroken one would have.
        """
        total, size = len(self.labels), self.images.shape[1]
        order = torch.randperm(total, generator=generator(self.seed, epoch))
        own = slice(processes.rank, None, processes.count)
        for step in range(first, self.steps):
            chosen = order[step * self.batch : (step + 1) * self.batch]
            draws = self.augmentation.draw(chosen, total, size, (self.seed, epoch, step))
            yield chosen[own], draws[own]


def batches(
    plan: Plan, epoch: int, first: int, processes: Processes, workers: int | None
) -> Iterator[Batch]:
    """Yield an epoch's batches from number ``first``.

    Args:
        plan: of the epoch.
        epoch: gives, with the plan's seed, what is drawn.
        first: number of the first batch.
        processes: this one and those that share the batches with it.
        workers: of a ``DataLoader``; None augments whole batches in memory.
    """
    if workers is None:
        return from_memory(plan, epoch, first, processes)
    return from_workers(plan, epoch, first, processes, workers)


def from_memory(plan: Plan, epoch: int, first: int, processes: Processes) -> Iterator[Batch]:
    """Yield batches augmented on the device where ``plan.images`` lies."""
    device = plan.images.device
    for chosen, draws in plan.draws(epoch, first, processes):
        chosen = chosen.to(device)
        yield plan.augmentation(plan.images[chosen], draws.to(device)), plan.labels[chosen]


def from_workers(
    plan: Plan, epoch: int, first: int, processes: Processes, workers: int = 2
) -> Iterator[Batch]:
    """Yield the same batches from a ``DataLoader`` with ``workers`` processes (0: this one)."""
    device = processes.device
    loader = DataLoader(
        _Augmented(plan),
        batch_sampler=_Sampler(plan, epoch, first, processes),
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

    def __init__(self, plan: Plan, epoch: int, first: int, processes: Processes) -> None:
        self.arguments = (epoch, first, processes)
        self.plan = plan

    def __len__(self) -> int:
        return self.plan.steps - self.arguments[1]

    def __iter__(self) -> Iterator[list[_Image]]:
        for chosen, draws in self.plan.draws(*self.arguments):
            columns = torch.cat([draws.shifts, draws.corners], dim=1).tolist()
            keys = zip(chosen.tolist(), draws.flips.tolist(), columns, strict=True)
            yield [(index, flip, *numbers) for index, flip, numbers in keys]
