"""The settings of the Carvana recipe, and its schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn

from training.data.cars.augment_car_photos import PhonePhotoAugmentation
from training.data.cars.augment_cars import CarAugmentation
from training.data.cars.car_mix import CarMix
from training.data.cars.photometric_jitter import PhotometricJitter
from zoo.networks.numpy_cnn.schedules import warmup_cosine
from zoo.networks.registry import build

# Places of every kind, small: what a car is.
PLACES = CarAugmentation(
    256, 384, street=0.28, paste=0.38, cars=(0.15, 0.55, 0.2, 0.1), random_shadow=0.2,
    on_streets=0.25, white=0.2, jitter=PhotometricJitter(dusk=0.1),
)  # fmt: skip
# Nearly the size of the photo, hardly blurred, half of the studio at its own pixels: exact edges.
# (Scaling blurs.) Cars pasted onto streets, too, evenings, more white cars.
SHARP = CarAugmentation(
    street=0.28, paste=0.36, zoom=(0.85, 1.2), stretch=0.05, unscaled=0.5, car_width=(0.2, 1.5),
    cars=(0.15, 0.55, 0.2, 0.1), paint=0.3, white=0.3, random_shadow=0.3, motion=0.2,
    on_streets=0.4,
    jitter=PhotometricJitter(
        blur=0.08, blur_radius=0.8, noise=0.15, noise_level=5.0, jpeg=0.2, jpeg_quality=50,
        dusk=0.15,
    ),
)  # fmt: skip
# The long schedule's large images. With SHARP the surroundings of pasted cars are blurred, being
# scaled up (mean |Laplacian| 6.5 of 255, the median of 60 images), beside cars that are not (15),
# where phone photos have 16 and a brick wall 38: what is sharp gets called car. The sample photo of
# a car before that wall shows it: the sharper it is made, the more of the wall is taken.
TEXTURED = replace(
    SHARP, own_pixels=0.6, street_zoom=(0.7, 1.5), jitter=replace(SHARP.jitter, sharpen=0.15),
)  # fmt: skip
# Its last third: more of the studio, whose masks alone are exact.
EXACT = replace(TEXTURED, street=0.28, paste=0.28)
# By the name that ``--architecture`` takes: the registered network, and its constructor's arguments
# beside those that the recipe gives a U-Net.
FAMILY: Mapping[str, tuple[str, dict[str, Any]]] = {
    "unet": ("unet", {}),
    "noskip": ("unet", {"skips": False}),
    "fcn": ("fcn", {}),
    "linknet": ("linknet", {}),
    "fpn": ("fpn", {}),
    "deeplab": ("deeplab", {}),
}


@dataclass(frozen=True)
class CarvanaRecipe:
    """Everything that decides the result, apart from the data and the seed."""

    epochs: int = 48
    images: int = 1920  # an epoch, however many photos there are
    batch: int = 8
    architecture: str = "unet"  # one of FAMILY
    widths: tuple[int, ...] = (24, 48, 96, 128, 192)  # of a U-Net
    skips: bool = True
    context: int = 4  # blocks that look around at the smallest size
    loss: str = "bce+dice"  # one of training.metrics.mask_losses.LOSSES
    peak_learning_rate: float = 2e-3  # of AdamW
    head_factor: float = 1.0  # the last layer's learning rate, times AdamW's
    muon_lr: float = 0.06  # of Muon, for the kernels before a BatchNorm; 0: AdamW for all
    muon_momentum: float = 0.6
    warmup: float = 0.05  # the share of the run
    weight_decay: float = 0.01
    batch_norm_momentum: float = 0.05
    averaging: float = 0.998  # what a moving average of the weights keeps at a step; 0: no average
    low_res_fraction: float = 0.5  # the share of the run that sees small images
    low_res_augmentation: CarAugmentation = field(default_factory=lambda: PLACES)
    augmentation: CarAugmentation = field(default_factory=lambda: SHARP)  # of the rest
    square: int = 416  # side of every second step's images in the rest; 0: all are wide
    late_fraction: float = 0.0  # the share of the run, at its end, that has a mix of its own
    late_augmentation: CarAugmentation = field(default_factory=lambda: EXACT)  # of that
    late_photo: float = 0.25  # the share of phone photos in that
    slowdown: float = 1.0  # how many times as slowly the schedule goes on with the large images
    photo: float = 0.35  # the share of phone photos, if there are any
    photos: PhonePhotoAugmentation = field(default_factory=PhonePhotoAugmentation)

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return self.images // self.batch

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.epochs * self.steps

    @property
    def low_res_steps(self) -> int:
        """Steps that see small images."""
        return math.ceil(self.low_res_fraction * self.total_steps - 1e-9)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step: linear warm-up, then a cosine to zero."""
        small = self.low_res_steps

        def place(step: int) -> float:  # in a schedule that goes at one pace
            return step if step < small else small + (step - small) / self.slowdown

        steps = place(self.total_steps)
        warmup = min(max(1, round(self.warmup * steps)), math.floor(steps))
        return warmup_cosine(place(step), steps=steps, warmup=warmup, peak=self.peak_learning_rate)

    def is_late(self, step: int) -> bool:
        """Return whether a step belongs to the end that has a mix of its own."""
        return step >= math.ceil((1 - self.late_fraction) * self.total_steps - 1e-9)

    def augmentation_at(self, step: int) -> CarAugmentation:
        """Return how a step's images are made, phone photos aside: small ones first."""
        if step < self.low_res_steps:
            return self.low_res_augmentation
        return self.late_augmentation if self.is_late(step) else self.augmentation

    def mix_at(self, step: int) -> CarMix:
        """Return how a step's images are made, phone photos among them."""
        augmentation = self.augmentation_at(step)
        photos = replace(self.photos, longest=augmentation.width)  # as studio photos are scaled
        share = self.late_photo if self.is_late(step) else self.photo
        mix = CarMix(augmentation, share, photos)
        if self.square and step % 2 and step >= self.low_res_steps:
            return mix.sized(self.square, self.square)
        return mix

    def agrees_until(self, other: CarvanaRecipe, step: int) -> bool:
        """Return whether a run by this recipe and one by another are the same up to a step."""
        later = (
            "epochs", "low_res_fraction", "augmentation", "late_fraction", "late_augmentation",
            "late_photo", "slowdown",
        )  # fmt: skip
        rest = replace(self, **{name: getattr(other, name) for name in later})
        return rest == other and all(
            (self.rate(n), self.mix_at(n)) == (other.rate(n), other.mix_at(n)) for n in range(step)
        )

    def make_network(self) -> nn.Module:
        """Return the network, with weights drawn by torch's generator."""
        name, arguments = FAMILY[self.architecture]
        if name == "unet":
            unet = {"widths": self.widths, "skips": self.skips, "context": self.context}
            arguments = unet | arguments
        network: nn.Module = build({"architecture": name, "arguments": arguments})
        return network


RECIPE = CarvanaRecipe()
PRESETS = {
    "main": RECIPE,
    # The first half of "main", and in place of its second one two and a half times as much of the
    # large images: there the studio's validation cars stood still for the last five epochs, because
    # the learning rate was gone and not because there was nothing left to learn.
    "long": replace(
        RECIPE, epochs=84, low_res_fraction=24 / 84, slowdown=2.5, augmentation=TEXTURED,
        late_fraction=1 / 3,
    ),
    # With ``--init-from``: a short run at full size alone, for weights that are good already.
    "tune": replace(
        RECIPE, epochs=4, images=960, low_res_fraction=0.0, muon_lr=0.015, peak_learning_rate=1e-3,
        averaging=0.99,
    ),
}  # fmt: skip
