"""Batches of augmented car images, prepared in threads while the network learns.

Image number i of a run depends on the seed and on i alone: not on the batch, on the number of
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

from training.data.cars.augment_car_photos import ABSENT, CERTAIN, NONE
from training.data.cars.augment_cars import TrainingSources
from training.data.cars.car_mix import CarMix
from training.data.cars.photometric_jitter import Pixels
from training.data.carvana_photos import normalize


@dataclass(frozen=True)
class CarPlan:
    """What the images of a run are made from.

    Attributes:
        sources: studio photos, street photos, backgrounds, phone photos.
        seed: of everything drawn.
    """

    sources: TrainingSources
    seed: int

    def make(self, number: int, mix: CarMix) -> tuple[Pixels, Pixels, Pixels]:
        """Return the run's image ``number``; see `CarMix.__call__`."""
        return mix(self.sources, self.seed, number)


class CarBatch(NamedTuple):
    """What one step learns from.

    Attributes:
        inputs: float32 (N, 3, H, W), normalized.
        target: float32 (N, 1, H, W): the car's share of each pixel, in [0, 1].
        known: bool (N, 1, H, W): of which pixels the mask tells; None, if of all.
        absent: bool (N, 1, H, W): of which it tells only that *this* car is not there, perhaps
            another one; None, if of none.
    """

    inputs: Tensor
    target: Tensor
    known: Tensor | None = None
    absent: Tensor | None = None


def batches(
    plan: CarPlan,
    schedule: list[tuple[range, CarMix]],
    device: torch.device,
    threads: int = 1,
) -> Iterator[CarBatch]:
    """Yield a batch for each entry of the schedule, two of them prepared ahead.

    Args:
        plan: what images are made from.
        schedule: for each batch the numbers of its images, and how to make them.
        device: where the tensors shall be.
        threads: that prepare images.
    """
    ahead = 2
    with ThreadPoolExecutor(threads, thread_name_prefix="images") as pool:
        waiting = [
            [pool.submit(plan.make, n, how) for n in numbers] for numbers, how in schedule[:ahead]
        ]
        for step in range(len(schedule)):
            examples = [future.result() for future in waiting.pop(0)]
            if step + ahead < len(schedule):
                numbers, how = schedule[step + ahead]
                waiting.append([pool.submit(plan.make, n, how) for n in numbers])
            yield collate(examples, device)


def collate(examples: list[tuple[Pixels, Pixels, Pixels]], device: torch.device) -> CarBatch:
    """Stack what `CarMix` made, uint8, into a batch."""
    images, shares, trust = (
        torch.from_numpy(np.stack(arrays)).to(device) for arrays in zip(*examples, strict=True)
    )
    inputs = normalize(images).contiguous(memory_format=torch.channels_last)
    target, trust = shares[:, None].float() / 255, trust[:, None]
    if bool((trust == CERTAIN).all()):
        return CarBatch(inputs, target)
    return CarBatch(inputs, target, trust > NONE, trust == ABSENT)
