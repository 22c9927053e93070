"""Augmented batches of an epoch: whole batches of a data set that lies on the device as uint8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.augment_images import Draws, ImageAugmentation, generator
from training.engine.distributed import Processes

Batch = tuple[Tensor, Tensor]  # float32 (N, 3, H, W), channels last; int64 (N,)


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


def batches(plan: Plan, epoch: int, first: int, processes: Processes) -> Iterator[Batch]:
    """Yield an epoch's batches from number ``first``, augmented where ``plan.images`` lies.

    Args:
        plan: of the epoch.
        epoch: gives, with the plan's seed, what is drawn.
        first: number of the first batch.
        processes: this one and those that share the batches with it.
    """
    device = plan.images.device
    for chosen, draws in plan.draws(epoch, first, processes):
        chosen = chosen.to(device)
        yield plan.augmentation(plan.images[chosen], draws.to(device)), plan.labels[chosen]
