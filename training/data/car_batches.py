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

from training.data.augment_cars import CarAugmentation, TrainingSources
from training.data.carvana_photos import normalize
from training.data.photometric_jitter import Pixels

ORDER, CONTENT = 0, 1  # two streams of random numbers from one seed


@dataclass(frozen=True)
class CarPlan:
    """What the images of a run are made from.

    Attributes:
        sources: studio photos, street photos, backgrounds.
        seed: of everything drawn.
    """

    sources: TrainingSources
    seed: int

    def make(self, number: int, augmentation: CarAugmentation) -> tuple[Pixels, Pixels]:
        """Return the run's image ``number`` and its mask; see `CarAugmentation.__call__`.

        Every studio photo comes once before any comes twice.
        """
        turn, place = divmod(number, len(self.sources.studio))
        order = np.random.default_rng((self.seed, ORDER, turn))
        index = int(order.permutation(len(self.sources.studio))[place])
        rng = np.random.default_rng((self.seed, CONTENT, number))
        return augmentation(self.sources, index, rng)


class CarBatch(NamedTuple):
    """What one step learns from.

    Attributes:
        inputs: float32 (N, 3, H, W), normalized.
        target: float32 (N, 1, H, W): the car's share of each pixel, in [0, 1].
        known: bool (N, 1, H, W): of which pixels the mask tells; None, if of all.
    """

    inputs: Tensor
    target: Tensor
    known: Tensor | None = None


def batches(
    plan: CarPlan,
    schedule: list[tuple[range, CarAugmentation]],
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


def collate(examples: list[tuple[Pixels, Pixels]], device: torch.device) -> CarBatch:
    """Stack images and masks, uint8, into a batch."""
    images = torch.from_numpy(np.stack([image for image, _ in examples])).to(device)
    shares = torch.from_numpy(np.stack([share for _, share in examples])).to(device)
    inputs = normalize(images).contiguous(memory_format=torch.channels_last)
    return CarBatch(inputs, shares[:, None].float() / 255)
