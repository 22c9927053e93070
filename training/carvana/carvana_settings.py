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
# The second part's. With SHARP the surroundings of pasted cars are blurred, being scaled up (mean
# |Laplacian| 6.5 of 255, the median of 60 images), beside cars that are not (15), where phone
# photos have 16 and a brick wall 38: what is sharp gets called car. And more of the studio, whose
# masks alone are exact.
EXACT = replace(
    SHARP, street=0.28, paste=0.28, own_pixels=0.6, street_zoom=(0.7, 1.5),
    jitter=replace(SHARP.jitter, sharpen=0.15),
)  # fmt: skip
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
    photo: float = 0.35  # the share of phone photos, if there are any
    photos: PhonePhotoAugmentation = field(default_factory=PhonePhotoAugmentation)
    second_epochs: int = 0  # of the epochs, those of a second part, all with large images
    second_height: float = 0.5  # of the learning rates in it, where those of the first are 1
    second_augmentation: CarAugmentation = field(default_factory=lambda: EXACT)
    second_photo: float = 0.25  # the share of phone photos in it

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return self.images // self.batch

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.epochs * self.steps

    @property
    def first_steps(self) -> int:
        """Steps of the first part; a second one begins with the average that the first gave."""
        return self.total_steps - self.second_epochs * self.steps

    @property
    def first_part(self) -> CarvanaRecipe:
        """The recipe of a run that is this one's first part alone."""
        return replace(self, epochs=self.epochs - self.second_epochs, second_epochs=0)

    @property
    def low_res_steps(self) -> int:
        """Steps that see small images."""
        return math.ceil(self.low_res_fraction * self.first_steps - 1e-9)

    def is_second(self, step: int) -> bool:
        """Return whether a step belongs to the second part."""
        return step >= self.first_steps

    def rate(self, step: int) -> float:
        """Return the learning rate of a step: in each part a warm-up, then a cosine to zero."""
        steps, peak = self.first_steps, self.peak_learning_rate
        if self.is_second(step):
            step, steps = step - steps, self.total_steps - steps
            peak *= self.second_height
        warmup = min(max(1, round(self.warmup * steps)), steps)
        return warmup_cosine(step, steps=steps, warmup=warmup, peak=peak)

    def augmentation_at(self, step: int) -> CarAugmentation:
        """Return how a step's images are made, phone photos aside: small ones first."""
        if step < self.low_res_steps:
            return self.low_res_augmentation
        return self.second_augmentation if self.is_second(step) else self.augmentation

    def mix_at(self, step: int) -> CarMix:
        """Return how a step's images are made, phone photos among them."""
        augmentation = self.augmentation_at(step)
        photos = replace(self.photos, longest=augmentation.width)  # as studio photos are scaled
        share = self.second_photo if self.is_second(step) else self.photo
        mix = CarMix(augmentation, share, photos)
        if self.square and step % 2 and step >= self.low_res_steps:
            return mix.sized(self.square, self.square)
        return mix

    def make_network(self) -> nn.Module:
        """Return the network, with weights drawn by torch's generator."""
        name, arguments = FAMILY[self.architecture]
        if name == "unet":
            unet = {"widths": self.widths, "skips": self.skips, "context": self.context}
            arguments = unet | arguments
        network: nn.Module = build({"architecture": name, "arguments": arguments})
        return network


RECIPE = CarvanaRecipe()
SECOND = 16  # epochs
PRESETS = {
    # The recipe, and once more from half its learning rates: the studio's validation cars stood
    # still in the last five of its epochs, because the rate was gone and not because there was
    # nothing left to learn. What is shipped comes from here.
    "two-parts": replace(RECIPE, epochs=48 + SECOND, second_epochs=SECOND),
    "one-part": RECIPE,
    # With ``--init-from``: a short run at full size alone, for weights that are good already.
    "tune": replace(
        RECIPE, epochs=4, images=960, low_res_fraction=0.0, muon_lr=0.015, peak_learning_rate=1e-3,
        averaging=0.99,
    ),
}  # fmt: skip
