"""Augmentation of phone photos with partial masks: near and far, cut off, turned, in other light.

Scaling moves no label by more than half a pixel, and none is needed at the edge: between "car for
certain" and "not this car" there is always a strip that is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.car_photos import CAR, ELSEWHERE, UNKNOWN, CarPhoto
from training.data.cars.photometric_jitter import PhotometricJitter, Pixels, log_uniform

# How far a pixel's label can be relied on. ABSENT: not this car, but another one carries no label.
NONE, ABSENT, CERTAIN = 0, 1, 2


@dataclass(frozen=True)
class PhonePhotoAugmentation:
    """How training images are made of phone photos.

    Attributes:
        zoom: the smallest and largest scale; at 1 the photo's longest side is ``longest`` pixels.
        longest: the size at which the network will see whole photos.
        widen: the smallest and largest factor by which a photo becomes wider. The data set's photos
            were squeezed into squares, so that most cars in it are narrower than cars are.
        tilt: chance that the photo is turned, by up to ``most_tilt`` degrees.
        most_tilt: degrees.
        jitter: changes of colour and sharpness.
    """

    zoom: tuple[float, float] = (0.6, 1.5)
    longest: int = 512
    widen: tuple[float, float] = (0.85, 1.6)
    tilt: float = 0.15
    most_tilt: float = 6.0
    jitter: PhotometricJitter = field(default_factory=lambda: PhotometricJitter(dusk=0.1))

    def __call__(
        self, photo: CarPhoto, height: int, width: int, rng: np.random.Generator
    ) -> tuple[Pixels, Pixels, Pixels]:
        """Make one training image.

        Args:
            photo: what to show.
            height, width: of the image.
            rng: gives everything random.

        Returns:
            The image, uint8 (height, width, 3); the car's share of each pixel, uint8 (height,
            width), 0 or 255; how far to rely on that, uint8 (height, width): ``NONE``, ``ABSENT``
            or ``CERTAIN``. Outside the photo its border goes on, and nothing is known.
        """
        image, mask = _decode(photo)
        scale = log_uniform(rng, *self.zoom) * self.longest / max(mask.shape)
        widen = log_uniform(rng, *self.widen)
        size = (max(8, round(mask.shape[1] * scale * widen**0.5)),
                max(8, round(mask.shape[0] * scale / widen**0.5)))  # fmt: skip
        shown, known = Image.fromarray(image), Image.fromarray(mask)
        # Only what the window shows is scaled.
        left, columns = _place(size[0], width, rng)
        top, rows = _place(size[1], height, rng)
        box = tuple(
            edge * whole / scaled
            for edge, whole, scaled in zip(
                (columns.start, rows.start, columns.stop, rows.stop),
                (*shown.size, *shown.size), (*size, *size), strict=True,
            )
        )  # fmt: skip
        part = (columns.stop - columns.start, rows.stop - rows.start)
        border = ((top, height - top - part[1]), (left, width - left - part[0]))
        pixels = np.asarray(shown.resize(part, Image.Resampling.BILINEAR, box))
        labels = np.asarray(known.resize(part, Image.Resampling.NEAREST, box))
        pixels = np.pad(pixels, (*border, (0, 0)), mode="edge")
        labels = np.pad(labels, border, constant_values=UNKNOWN)
        if rng.random() < self.tilt:
            angle = rng.uniform(-self.most_tilt, self.most_tilt)
            turned = Image.fromarray(pixels).rotate(angle, Image.Resampling.BILINEAR)
            pixels = np.asarray(turned)
            labels = np.asarray(Image.fromarray(labels).rotate(angle, fillcolor=UNKNOWN))
        if rng.random() < 0.5:
            pixels, labels = pixels[:, ::-1], labels[:, ::-1]
        share = np.where(labels == CAR, np.uint8(255), np.uint8(0))
        trust = np.full(labels.shape, NONE, np.uint8)
        trust[labels == CAR], trust[labels == ELSEWHERE] = CERTAIN, ABSENT
        return self.jitter(np.ascontiguousarray(pixels), rng), share, trust


def _place(length: int, shown: int, rng: np.random.Generator) -> tuple[int, slice]:
    """Place a photo of ``length`` pixels and a window of ``shown`` over each other.

    The smaller of the two lies anywhere in the other one.

    Returns:
        Where the photo begins in the window, and which part of the photo is in it.
    """
    if length <= shown:
        return int(rng.integers(shown - length + 1)), slice(0, length)
    first = int(rng.integers(length - shown + 1))
    return 0, slice(first, first + shown)


@lru_cache(maxsize=400)  # the data set whole: about 420 MB
def _decode(photo: CarPhoto) -> tuple[Pixels, NDArray[np.uint8]]:
    return photo.read()
