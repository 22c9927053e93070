"""Batches of augmented car pictures, prepared in threads while the network learns.

Picture number i of a run depends on the seed and on i alone: not on the batch, on the number of
processes or threads, or on where a killed run was resumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from training.data.augment_cars import Sources
from training.data.car_mix import CarMix
from training.data.carvana import normalize
from training.data.light import Picture


@dataclass(frozen=True)
class CarPlan:
    """What the pictures of a run are made from.

    Attributes:
        sources: studio photos, street photos, backgrounds.
        seed: of everything drawn.
    """

    sources: Sources
    seed: int

    def make(self, number: int, mix: CarMix) -> tuple[Picture, Picture, Picture]:
        """Return the run's image ``number``; see `CarMix.__call__`."""
        return mix(self.sources, self.seed, number)


class Batch(NamedTuple):
    """What a step learns from.

    Attributes:
        inputs: float32 (N, 3, H, W), normalized.
        target: the car's share of each pixel, float32 (N, 1, H, W), in [0, 1].
        trust: how far to rely on that, uint8 (N, 1, H, W), see `training.data.augment_car_photos`.
    """

    inputs: Tensor
    target: Tensor
    trust: Tensor


def batches(
    plan: CarPlan,
    schedule: list[tuple[range, CarMix]],
    device: torch.device,
    threads: int = 1,
) -> Iterator[Batch]:
    """Yield a batch for each entry of the schedule, two of them prepared ahead.

    Args:
        plan: what pictures are made from.
        schedule: for each batch the numbers of its pictures, and how to make them.
        device: where the tensors shall be.
        threads: that prepare pictures.
    """
    ahead = 2
    with ThreadPoolExecutor(threads, thread_name_prefix="pictures") as pool:
        waiting = [
            [pool.submit(plan.make, n, how) for n in numbers] for numbers, how in schedule[:ahead]
        ]
        for step in range(len(schedule)):
            pictures = [future.result() for future in waiting.pop(0)]
            if step + ahead < len(schedule):
                numbers, how = schedule[step + ahead]
                waiting.append([pool.submit(plan.make, n, how) for n in numbers])
            yield collate(pictures, device)


def collate(samples: list[tuple[Picture, Picture, Picture]], device: torch.device) -> Batch:
    """Stack what `CarMix` made into a batch."""
    images, shares, trust = (
        torch.from_numpy(np.stack(arrays)).to(device) for arrays in zip(*samples, strict=True)
    )
    inputs = normalize(images).contiguous(memory_format=torch.channels_last)
    return Batch(inputs, shares[:, None].float() / 255, trust[:, None])
