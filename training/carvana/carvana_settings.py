"""The settings of the Carvana recipe, its schedule, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from training.data.augment_cars import CarAugmentation
from training.data.photometric_jitter import PhotometricJitter
from zoo.networks.numpy_cnn.schedules import warmup_cosine

# Mostly the studio, at nearly the size of the photo, hardly blurred: for exact edges.
SHARP = CarAugmentation(
    street=0.08, paste=0.17, zoom=(0.85, 1.2), stretch=0.05,
    jitter=PhotometricJitter(blur=0.08, blur_radius=0.8, noise=0.15, noise_level=5.0, jpeg=0.2,
    jpeg_quality=50),
)  # fmt: skip


@dataclass(frozen=True)
class CarvanaRecipe:
    """Everything that decides the result, apart from the data and the seed."""

    epochs: int = 56
    images: int = 480  # an epoch, however many photos there are
    batch: int = 8
    widths: tuple[int, ...] = (24, 48, 96, 128, 192)
    skips: bool = True
    context: int = 0  # blocks that look around at the smallest size
    loss: str = "bce+dice"  # one of training.metrics.mask_losses.LOSSES
    peak_learning_rate: float = 2e-3  # of AdamW
    head_factor: float = 1.0  # the last layer's learning rate, times AdamW's
    muon_lr: float = 0.06  # of Muon, for the kernels before a BatchNorm; 0: AdamW for all
    muon_momentum: float = 0.6
    warmup: float = 0.05  # the share of the run
    weight_decay: float = 0.01
    batch_norm_momentum: float = 0.05
    averaging: float = 0.0  # what a moving average of the weights keeps at a step; 0: no average
    low_res_fraction: float = 0.5  # the share of the run that sees small images
    low_res_augmentation: CarAugmentation = field(default_factory=lambda: CarAugmentation(256, 384))
    augmentation: CarAugmentation = field(default_factory=lambda: SHARP)  # of the rest

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return self.images // self.batch

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.epochs * self.steps

    def rate(self, step: int) -> float:
        """Return the learning rate of a step: linear warm-up, then a cosine to zero."""
        warmup = min(max(1, round(self.warmup * self.total_steps)), self.total_steps)
        return warmup_cosine(
            step, steps=self.total_steps, warmup=warmup, peak=self.peak_learning_rate
        )

    def augmentation_at(self, step: int) -> CarAugmentation:
        """Return how a step's images are made: small ones first."""
        return (
            self.low_res_augmentation
            if step < self.low_res_fraction * self.total_steps
            else self.augmentation
        )


RECIPE = CarvanaRecipe()
OUTDOORS = replace(
    SHARP,
    street=0.12,
    paste=0.4,
    car_width=(0.2, 1.5),
    random_shadow=0.3,
    motion=0.2,
    on_streets=0.35,
    jitter=replace(SHARP.jitter, dusk=0.15),
)
LATER = replace(RECIPE, muon_lr=0.03, low_res_fraction=0.0, context=4)  # with ``--init-from``
PRESETS = {
    "main": RECIPE,
    "finish": replace(
        LATER,
        epochs=14,
        context=0,
        augmentation=replace(SHARP, paste=0.4, car_width=(0.2, 1.4)),
    ),
    "context": replace(
        LATER,
        epochs=16,
        augmentation=replace(SHARP, paste=0.35, car_width=(0.25, 1.5), random_shadow=0.3),
    ),
    "outdoors": replace(LATER, epochs=20, augmentation=OUTDOORS),
    "exact": replace(LATER, epochs=16, muon_lr=0.02, augmentation=replace(OUTDOORS, unscaled=1.0)),
    "white": replace(
        LATER, epochs=12, augmentation=replace(OUTDOORS, unscaled=1.0, paint=0.3, white=0.5)
    ),
}
