"""Augmentation for cutting out cars: other crops, sizes and light, and other places altogether.

Each training image is one of three: a studio photo, a street photo, or cars cut out of studio
photos and pasted onto a background at any size (copy-paste: Ghiasi et al. 2021, arXiv 2012.07177).
The studio alone teaches a network that whatever is not white wall is a car.

Everything random comes from the generator that is passed in: the same seed, the same image.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.ndimage import uniform_filter1d

from training.data.car_photos import CarPhoto
from training.data.cars.pasted_cars import (
    match_brightness,
    paint,
    random_shadow,
    shrink,
    tilt,
    whiten,
)
from training.data.cars.photometric_jitter import PhotometricJitter, Pixels, log_uniform
from training.data.carvana_photos import ImageMaskPair

Sample = tuple[Pixels, Pixels]  # uint8 (H, W, 3); the car's share of each pixel, uint8 (H, W)
T = TypeVar("T")
MOST_TILT = 12.0
SMALLEST = 0.5  # scale of a background that is shown at its own pixels or smaller


@dataclass(frozen=True)
class TrainingSources:
    """Where training images come from.

    Attributes:
        studio: Carvana's pairs.
        streets: street photos with masks of their vehicles; may be empty.
        backgrounds: encoded photos without cars; may be empty.
        photos: phone photos with partial masks; may be empty.
    """

    studio: Sequence[ImageMaskPair]
    streets: Sequence[ImageMaskPair] = ()
    backgrounds: Sequence[bytes] = ()
    photos: Sequence[CarPhoto] = ()


@dataclass(frozen=True)
class CarAugmentation:
    """How training images are made.

    Attributes:
        height, width: of what it returns, in pixels.
        street, paste: the shares of street photos and of pasted cars; the rest is studio. A source
            that is empty leaves its share to the studio.
        zoom: the smallest and largest scale of studio and street photos.
        street_zoom: the same of street photos alone; None: as ``zoom`` says.
        stretch: largest relative change of the aspect ratio.
        unscaled: chance that a studio photo is only shifted by whole pixels, and mirrored or not.
            Scaling blurs: a network that saw only scaled photos puts edges less exactly where they
            are.
        car_width: a pasted car's smallest and largest width, as a fraction of the image's.
        cars: the chances of 0, 1, 2, … pasted cars.
        paint: chance that a pasted car gets another colour: a studio's few cars are mostly white,
            gray and black, and a network that has seen no yellow one does not know it for a car.
        white: chance that one that did not becomes white or silver: before bright surroundings
            such a car is hard to see.
        tilt: chance that a pasted car is turned, by up to ``MOST_TILT`` degrees.
        random_shadow: chance that light and shade lie on a pasted car in patches: in a studio the
            light
            is the same all over, outdoors half a car may be in the shadow of a tree.
        motion: chance that the background of pasted cars is blurred sideways.
        own_pixels: chance that a background is shown at its own pixels or smaller, mirrored on at
            its borders. Those that are there are small: scaled up until they fill the image they
            are blurred, and a network that saw cars before nothing else takes what is sharp for
            car, a brick wall as well.
        on_streets: chance that cars are pasted onto a street photo instead of a background; the
            vehicles that are there already stay marked.
        jitter: changes of colour and sharpness.
    """

    height: int = 352
    width: int = 512
    street: float = 0.12
    paste: float = 0.4
    zoom: tuple[float, float] = (0.6, 1.6)
    street_zoom: tuple[float, float] | None = None
    stretch: float = 0.15
    unscaled: float = 0.0
    car_width: tuple[float, float] = (0.1, 1.3)
    cars: tuple[float, ...] = (0.1, 0.6, 0.2, 0.1)
    paint: float = 0.4
    white: float = 0.0
    tilt: float = 0.2
    random_shadow: float = 0.0
    motion: float = 0.1
    own_pixels: float = 0.0
    on_streets: float = 0.0
    jitter: PhotometricJitter = field(default_factory=PhotometricJitter)

    def __call__(self, sources: TrainingSources, index: int, rng: np.random.Generator) -> Sample:
        """Make one training image.

        Args:
            sources: to draw from.
            index: of the studio photo to show, or to cut the first car out of.
            rng: gives everything random.

        Returns:
            The image, uint8 (height, width, 3), and the car's share of each pixel, uint8
            (height, width), 0 to 255.
        """
        kind = rng.random()
        if kind < self.street and sources.streets:
            image, share = self.crop(_pick(sources.streets, rng), rng, self.street_zoom)
        elif self.street <= kind < self.street + self.paste and sources.backgrounds:
            image, share = self.compose(sources, index, rng)
        elif self.unscaled and rng.random() < self.unscaled:
            image, share = self.shift(sources.studio[index], rng)
        else:
            image, share = self.crop(sources.studio[index], rng)
        return self.jitter(image, rng), share

    def crop(
        self,
        pair: ImageMaskPair,
        rng: np.random.Generator,
        zoom_range: tuple[float, float] | None = None,
    ) -> Sample:
        """Show a photo zoomed (None: as ``zoom`` says), stretched, shifted, mirrored or not."""
        image, mask = _decode(pair)
        zoom = log_uniform(rng, *(zoom_range or self.zoom)) * self.width / mask.shape[1]
        stretch = log_uniform(rng, 1 / (1 + self.stretch), 1 + self.stretch)
        rows, above, below = _window(mask.shape[0], self.height / (zoom / stretch), rng)
        columns, left, right = _window(mask.shape[1], self.width / (zoom * stretch), rng)
        border = ((above, below), (left, right))
        size, box = (self.width, self.height), (columns[0], rows[0], columns[1], rows[1])
        # What lies outside the photo repeats its border: the studio goes on.
        padded = np.pad(image, (*border, (0, 0)), mode="edge")
        share = np.pad(mask.astype(np.uint8) * 255, border, mode="edge")
        flip = rng.random() < 0.5
        shown = Image.fromarray(padded).resize(size, Image.Resampling.BILINEAR, box)
        marked = Image.fromarray(share).resize(size, Image.Resampling.BILINEAR, box)
        return _mirrored(np.asarray(shown), np.asarray(marked), flip)

    def shift(self, pair: ImageMaskPair, rng: np.random.Generator) -> Sample:
        """Show a part of a photo, pixel by pixel, mirrored or not; its border goes on outside."""
        image, mask = _decode(pair)
        rows = _pixels(mask.shape[0], self.height, rng)
        part = np.ix_(rows, _pixels(mask.shape[1], self.width, rng))
        share = mask[part].astype(np.uint8) * 255
        return _mirrored(image[part], share, rng.random() < 0.5)

    def compose(self, sources: TrainingSources, index: int, rng: np.random.Generator) -> Sample:
        """Paste cars onto a background, or among those on a street."""
        if self.on_streets and sources.streets and rng.random() < self.on_streets:
            place, marked = self.crop(_pick(sources.streets, rng), rng, self.street_zoom)
        else:
            place = self.background(_pick(sources.backgrounds, rng), rng)
            marked = np.zeros((self.height, self.width), np.uint8)
        canvas, share = place.astype(np.float32), marked.astype(np.float32) / np.float32(255)
        if rng.random() < self.motion:
            length = int(rng.integers(5, max(6, self.width // 8)))
            canvas = uniform_filter1d(canvas, length, axis=1, mode="nearest")
            share = uniform_filter1d(share, length, axis=1, mode="nearest")
        chances = np.array(self.cars)
        for number in range(rng.choice(len(chances), p=chances / chances.sum())):
            pair = sources.studio[index] if number == 0 else _pick(sources.studio, rng)
            self.paste_car(canvas, share, pair, rng)
        return canvas.round().astype(np.uint8), (255 * share).round().astype(np.uint8)

    def background(self, content: bytes, rng: np.random.Generator) -> Pixels:
        """Return a random part of a background photo, mirrored or not, in the right size."""
        with Image.open(io.BytesIO(content)) as file:
            photo = file.convert("RGB")
        if self.own_pixels and rng.random() < self.own_pixels:
            return self.mirrored_on(photo, rng)
        aspect = self.width / self.height
        width = min(photo.width, photo.height * aspect) * rng.uniform(0.6, 1.0)
        height = width / aspect
        left, top = rng.uniform(0, photo.width - width), rng.uniform(0, photo.height - height)
        box = (left, top, left + width, top + height)
        shown = np.asarray(photo.resize((self.width, self.height), Image.Resampling.BILINEAR, box))
        return shown[:, ::-1] if rng.random() < 0.5 else shown

    def mirrored_on(self, photo: Image.Image, rng: np.random.Generator) -> Pixels:
        """Return a photo at its own pixels or smaller; at its borders it goes on mirrored."""
        scale = rng.uniform(SMALLEST, 1.0)
        small = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
        pixels = np.asarray(photo.resize(small, Image.Resampling.BILINEAR))
        rows, columns = (
            _there_and_back(there, shown, rng)
            for there, shown in zip(pixels.shape, (self.height, self.width), strict=False)
        )
        return pixels[np.ix_(rows, columns)]

    def paste_car(
        self,
        canvas: NDArray[np.float32],
        share: NDArray[np.float32],
        pair: ImageMaskPair,
        rng: np.random.Generator,
    ) -> None:
        """Cut a car out of its photo and lay it onto the canvas, in place.

        Args:
            canvas: float32 (H, W, 3), 0 to 255.
            share: the cars' share of each pixel so far, float32 (H, W), 0 to 1.
            pair: the photo to cut the car from.
            rng: gives place, size, direction and colour.
        """
        image, mask = _decode(pair)
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        width = max(4, round(log_uniform(rng, *self.car_width) * self.width))
        height = max(4, round(width * len(mask[part]) / mask[part].shape[1]))
        car, alpha = shrink(image[part], mask[part], width, height)
        car, alpha = (a[:, ::-1] for a in (car, alpha)) if rng.random() < 0.5 else (car, alpha)
        if rng.random() < self.paint:
            car = paint(car, rng)
        elif self.white and rng.random() < self.white:
            car = whiten(car, alpha, rng)
        if self.random_shadow and rng.random() < self.random_shadow:
            car = random_shadow(car, rng)
        if tilted := rng.random() < self.tilt:
            car, alpha = tilt(car, alpha, rng.uniform(-MOST_TILT, MOST_TILT))
            height, width = alpha.shape
        # Its middle lies in the image, so that a part of it is always visible.
        top = round(rng.uniform(0, self.height) - height / 2)
        left = round(rng.uniform(0, self.width) - width / 2)
        there, here = _overlap(top, height, self.height), _overlap(left, width, self.width)
        target = np.s_[there[0], here[0]]
        alpha = alpha[there[1], here[1]]
        if rng.random() < 0.5 and not tilted:
            _shade(canvas, target, there, here, mask[part], (width, height), rng)
        blended = match_brightness(car[there[1], here[1]], canvas[target], rng)
        canvas[target] += alpha[..., None] * (blended - canvas[target])
        share[target] = np.maximum(share[target], alpha)


Overlap = tuple[slice, slice]  # of the canvas, and of what is pasted


def _overlap(start: int, length: int, limit: int) -> Overlap:
    """Return where [start, start + length) lies in [0, limit), in the coordinates of both."""
    first, last = max(0, start), min(limit, start + length)
    return slice(first, last), slice(first - start, last - start)


def _shade(
    canvas: NDArray[np.float32],
    target: tuple[slice, slice],
    rows: Overlap,
    columns: Overlap,
    mask: NDArray[np.bool_],
    size: tuple[int, int],
    rng: np.random.Generator,
) -> None:
    """Darken the ground under the car: its outline, lowered by a few per cent and blurred."""
    height = size[1]
    outline = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    lowered = Image.new("L", size)
    lowered.paste(outline, (0, round(0.06 * height)))
    soft = np.asarray(lowered.filter(ImageFilter.GaussianBlur(0.04 * height + 1)), np.float32)
    soft[: height // 2] = 0  # a shadow lies on the ground
    strength = rng.uniform(0.2, 0.7) / 255
    canvas[target] *= 1 - strength * soft[rows[1], columns[1], None]


def _window(
    length: int, shown: float, rng: np.random.Generator
) -> tuple[tuple[float, float], int, int]:
    """Place a window of ``shown`` pixels over a photo's ``length`` pixels.

    A smaller window lies anywhere inside, a larger one anywhere around.

    Returns:
        By how many pixels the photo must be extended before and after, and the two ends of the
        window on the extended photo: (ends, before, after).
    """
    start = rng.uniform(min(0.0, length - shown), max(0.0, length - shown))
    before, after = (math.ceil(max(0.0, gap)) for gap in (-start, start + shown - length))
    return (start + before, min(start + shown + before, length + before + after)), before, after


def _pixels(length: int, shown: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Place a window of whole pixels as `_window` does; outside the photo repeat its last pixel."""
    first, last = sorted((0, length - shown))
    start = int(rng.integers(first, last + 1))
    return np.clip(start + np.arange(shown), 0, length - 1)


def _there_and_back(length: int, shown: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``shown`` neighbours of 0, 1, … length − 1, length − 1, … 1, 0, 0, 1, …"""
    places = (int(rng.integers(2 * length)) + np.arange(shown)) % (2 * length)
    return np.minimum(places, 2 * length - 1 - places)


def _mirrored(image: Pixels, share: Pixels, flip: bool) -> Sample:
    return (image[:, ::-1], share[:, ::-1]) if flip else (image, share)


def _pick(choices: Sequence[T], rng: np.random.Generator) -> T:
    return choices[int(rng.integers(len(choices)))]


@lru_cache(maxsize=600)  # the small data set whole: about 420 MB; of a large one the latest
def _decode(pair: ImageMaskPair) -> tuple[Pixels, NDArray[np.bool_]]:
    return pair.read()
