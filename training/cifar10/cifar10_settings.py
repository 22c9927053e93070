"""The settings of the CIFAR-10 recipe, its schedule, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from training.data.augment_images import ImageAugmentation


@dataclass(frozen=True)
class Part:
    """A part of a run: the learning rates begin high and fall to zero once.

    Attributes:
        start, stop: steps; the last one is left out.
        height: of the learning rates, where 1 is that of the first part.
        selects: the step from which the proxy selects.
    """

    start: int
    stop: int
    height: float
    selects: float

    def left(self, step: int) -> float:
        """Return how much of the part is left at a step, from 1 to 0."""
        return 1 - (step - self.start) / (self.stop - self.start)


@dataclass(frozen=True)
class Cifar10Recipe:
    """Everything that decides the result, apart from the data and the seed.

    Learning rates of SGD and the weight decay are for the sum, not the mean, of a batch's losses,
    so that they need no change when the batch does.
    """

    epochs: int = 40
    parts: int = 1  # of several, the mean of the weights at their ends is the result
    first_part: float = 0.4  # the share of the epochs that the first of several parts has
    later_height: float = 0.52  # the learning rates of the parts after it, where its own are 1
    later_selection_start: float = 0.1  # `selection_start` of the parts after it
    batch: int = 2000
    keep_ratio: float = 0.5  # the share of each batch that the large network learns from
    widths: tuple[int, int, int] = (128, 288, 320)
    depth: int = 3
    activation: str = "gelu"  # or "silu", of the network and its proxy
    proxy_widths: tuple[int, int, int] = (32, 64, 64)
    proxy_interval: int = 4  # the proxy learns from every fourth batch
    selection_start: float = 0.3  # the share of a part after which the proxy selects
    muon_lr: float = 0.19
    muon_momentum: float = 0.6
    bias_lr: float = 0.042
    head_lr: float = 0.52
    momentum: float = 0.85
    weight_decay: float = 1.6e-6  # a step and image, for shifts and head
    whiten_epochs: float = 3.0  # how long the whitening layer's shift is learned
    # The sides, in pixels, to which images are shrunk first, each up to a share of the run.
    low_res: tuple[tuple[float, int], ...] = ()
    batch_norm_momentum: float = 0.1
    label_smoothing: float = 0.2
    augmentation: ImageAugmentation = field(
        default_factory=lambda: ImageAugmentation(translate=4, cutout=10)
    )

    def schedule(self, steps: int) -> tuple[Part, ...]:
        """Return the parts of a run with so many steps an epoch."""
        later = self.parts - 1
        first = round(self.first_part * self.epochs) if later else self.epochs
        first = max(1, min(first, self.epochs - later))
        ends = [first + n * (self.epochs - first) // max(later, 1) for n in range(self.parts)]
        return tuple(
            self._part(start * steps, stop * steps) for start, stop in pairwise([0, *ends])
        )

    def sizes(self, steps: int) -> list[tuple[int, int | None]]:
        """Return the images' sides in a run of so many steps, and the step where each ends.

        None stands for whole images.
        """
        ends = [(round(share * steps), side) for share, side in self.low_res]
        return [*ends, (steps, None)]

    def _part(self, start: int, stop: int) -> Part:
        height, share = (
            (self.later_height, self.later_selection_start)
            if start
            else (1.0, self.selection_start)
        )
        return Part(start, stop, height, start + share * (stop - start))


PRESETS = {
    "best": Cifar10Recipe(epochs=140, parts=3, widths=(128, 384, 512), low_res=((0.2, 24),)),
    # Half its epochs see images of 24 × 24, at 0.55 of the arithmetic.
    # Muon's updates have a fixed size, so its rate falls with the root of the batch.
    "fast": Cifar10Recipe(
        epochs=10,
        batch=1000,
        keep_ratio=1.0,
        widths=(64, 256, 256),
        depth=2,
        activation="silu",
        muon_lr=0.17,
        bias_lr=0.053,
        head_lr=0.67,
        weight_decay=2e-6,
        low_res=((0.55, 24),),
        whiten_epochs=1.0,
        batch_norm_momentum=0.2,
        augmentation=ImageAugmentation(translate=2),
    ),
}
