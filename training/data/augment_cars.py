"""Augmentation for cutting out cars: other crops, sizes and light, and other places altogether.

Each training picture is one of three: a studio photo, a street photo, or cars cut out of studio
photos and pasted onto a background at any size (copy-paste: Ghiasi et al. 2021, arXiv 2012.07177).
The studio alone teaches a network that whatever is not white wall is a car.

Everything random comes from the generator that is passed in: the same seed, the same picture.
"""

from __future__ import annotations

import colorsys
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

from training.data.carvana import Pair

Picture = NDArray[np.uint8]
Sample = tuple[Picture, Picture]  # uint8 (H, W, 3); the car's share of each pixel, uint8 (H, W)
T = TypeVar("T")
MOST_TILT = 12.0
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class Sources:
    """Where training pictures come from.

    Attributes:
        studio: Carvana's pairs.
        streets: street photos with masks of their vehicles; may be empty.
        backgrounds: encoded photos without cars; may be empty.
    """

    studio: Sequence[Pair]
    streets: Sequence[Pair] = ()
    backgrounds: Sequence[bytes] = ()


@dataclass(frozen=True)
class Light:
    """Changes of colour and sharpness that leave the mask as it is.

    Attributes:
        brightness, contrast, saturation, tint: largest relative change, either way.
        gray: chance of a picture without colour.
        hue: chance that all hues are turned, by any angle.
        blur: chance of a blur of up to ``blur_radius`` pixels.
        noise: chance of noise with a standard deviation of up to ``noise_level`` of 255.
        jpeg: chance of a JPEG of a quality from ``jpeg_quality`` to 95.
        dusk: chance of the light of an evening: dark, and darkest where it was dark before.
    """

    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.4
    tint: float = 0.08
    gray: float = 0.05
    hue: float = 0.2
    blur: float = 0.15
    blur_radius: float = 1.2
    noise: float = 0.2
    noise_level: float = 8.0
    jpeg: float = 0.25
    jpeg_quality: int = 30
    dusk: float = 0.0

    def __call__(self, image: Picture, rng: np.random.Generator) -> Picture:
        """Return a changed copy of a picture, uint8 (H, W, 3)."""
        pixels = self.recolour(image.astype(np.float32), rng)
        if self.dusk and rng.random() < self.dusk:
            pixels = _dusk(pixels, rng)
        if rng.random() < self.noise:
            level = rng.uniform(0, self.noise_level)
            pixels += level * rng.standard_normal(pixels.shape, dtype=np.float32)
        picture = Image.fromarray(np.clip(pixels, 0, 255).round().astype(np.uint8))
        if rng.random() < self.blur:
            picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, self.blur_radius)))
        if rng.random() < self.jpeg:
            file = io.BytesIO()
            picture.save(file, "JPEG", quality=int(rng.integers(self.jpeg_quality, 96)))
            picture = Image.open(file).convert("RGB")
        return np.asarray(picture)

    def recolour(
        self, pixels: NDArray[np.float32], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Change brightness, contrast, saturation and tint of pixels 0 to 255, float32."""
        gray = (pixels @ LUMA)[..., None]
        chroma = pixels - gray
        if rng.random() < self.hue:
            chroma = chroma @ _turn(rng.uniform(0, 2 * math.pi))
        saturation = 0.0 if rng.random() < self.gray else _around(rng, self.saturation)
        pixels = np.asarray(gray + np.float32(saturation) * chroma, np.float32)
        gain = _around(rng, self.brightness) * rng.uniform(1 - self.tint, 1 + self.tint, 3)
        middle = np.float32(gray.mean())
        pixels = (pixels - middle) * np.float32(_around(rng, self.contrast)) + middle
        return np.asarray(pixels * gain, np.float32)


@dataclass(frozen=True)
class CarAugmentation:
    """How training pictures are made.

    Attributes:
        height, width: of what it returns, in pixels.
        street, paste: the shares of street photos and of pasted cars; the rest is studio. A source
            that is empty leaves its share to the studio.
        zoom: the smallest and largest scale of studio and street photos.
        stretch: largest relative change of the aspect ratio.
        car_width: a pasted car's smallest and largest width, as a fraction of the picture's.
        cars: the chances of 0, 1, 2, … pasted cars.
        paint: chance that a pasted car gets another colour: a studio's few cars are mostly white,
            gray and black, and a network that has seen no yellow one does not know it for a car.
        tilt: chance that a pasted car is turned, by up to ``MOST_TILT`` degrees.
        dapple: chance that light and shade lie on a pasted car in patches: in a studio the light
            is the same all over, outdoors half a car may be in the shadow of a tree.
        motion: chance that the background of pasted cars is blurred sideways.
        on_streets: chance that cars are pasted onto a street photo instead of a background; the
            vehicles that are there already stay marked.
        light: changes of colour and sharpness.
    """

    height: int = 352
    width: int = 512
    street: float = 0.12
    paste: float = 0.4
    zoom: tuple[float, float] = (0.6, 1.6)
    stretch: float = 0.15
    car_width: tuple[float, float] = (0.1, 1.3)
    cars: tuple[float, ...] = (0.1, 0.6, 0.2, 0.1)
    paint: float = 0.4
    tilt: float = 0.2
    dapple: float = 0.0
    motion: float = 0.1
    on_streets: float = 0.0
    light: Light = field(default_factory=Light)

    def __call__(self, sources: Sources, index: int, rng: np.random.Generator) -> Sample:
        """Make one training picture.

        Args:
            sources: to draw from.
            index: of the studio photo to show, or to cut the first car out of.
            rng: gives everything random.

        Returns:
            The picture, uint8 (height, width, 3), and the car's share of each pixel, uint8
            (height, width), 0 to 255.
        """
        kind = rng.random()
        if kind < self.street and sources.streets:
            image, share = self.crop(_pick(sources.streets, rng), rng)
        elif self.street <= kind < self.street + self.paste and sources.backgrounds:
            image, share = self.compose(sources, index, rng)
        else:
            image, share = self.crop(sources.studio[index], rng)
        return self.light(image, rng), share

    def crop(self, pair: Pair, rng: np.random.Generator) -> Sample:
        """Show a photo zoomed, stretched, shifted, and mirrored or not."""
        image, mask = _decode(pair)
        zoom = _log_uniform(rng, *self.zoom) * self.width / mask.shape[1]
        stretch = _log_uniform(rng, 1 / (1 + self.stretch), 1 + self.stretch)
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

    def compose(self, sources: Sources, index: int, rng: np.random.Generator) -> Sample:
        """Paste cars onto a background, or among those on a street."""
        if self.on_streets and sources.streets and rng.random() < self.on_streets:
            place, marked = self.crop(_pick(sources.streets, rng), rng)
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

    def background(self, content: bytes, rng: np.random.Generator) -> Picture:
        """Return a random part of a background photo, mirrored or not, in the right size."""
        with Image.open(io.BytesIO(content)) as file:
            photo = file.convert("RGB")
        aspect = self.width / self.height
        width = min(photo.width, photo.height * aspect) * rng.uniform(0.6, 1.0)
        height = width / aspect
        left, top = rng.uniform(0, photo.width - width), rng.uniform(0, photo.height - height)
        box = (left, top, left + width, top + height)
        shown = np.asarray(photo.resize((self.width, self.height), Image.Resampling.BILINEAR, box))
        return shown[:, ::-1] if rng.random() < 0.5 else shown

    def paste_car(
        self,
        canvas: NDArray[np.float32],
        share: NDArray[np.float32],
        pair: Pair,
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
        width = max(4, round(_log_uniform(rng, *self.car_width) * self.width))
        height = max(4, round(width * len(mask[part]) / mask[part].shape[1]))
        car, alpha = _shrink(image[part], mask[part], width, height)
        car, alpha = (a[:, ::-1] for a in (car, alpha)) if rng.random() < 0.5 else (car, alpha)
        if rng.random() < self.paint:
            car = _paint(car, rng)
        if self.dapple and rng.random() < self.dapple:
            car = _dapple(car, rng)
        if tilted := rng.random() < self.tilt:
            car, alpha = _tilt(car, alpha, rng.uniform(-MOST_TILT, MOST_TILT))
            height, width = alpha.shape
        # Its middle lies in the picture, so that a part of it is always visible.
        top = round(rng.uniform(0, self.height) - height / 2)
        left = round(rng.uniform(0, self.width) - width / 2)
        there, here = _overlap(top, height, self.height), _overlap(left, width, self.width)
        target = np.s_[there[0], here[0]]
        alpha = alpha[there[1], here[1]]
        if rng.random() < 0.5 and not tilted:
            _shade(canvas, target, there, here, mask[part], (width, height), rng)
        blended = _relight(car[there[1], here[1]], canvas[target], rng)
        canvas[target] += alpha[..., None] * (blended - canvas[target])
        share[target] = np.maximum(share[target], alpha)


def _turn(angle: float) -> NDArray[np.float32]:
    """Return the matrix, to multiply from the right, that turns colours about the gray axis."""
    axis = np.full(3, 1 / math.sqrt(3))
    cross = np.cross(np.eye(3), axis)  # Rodrigues' formula
    outer = np.outer(axis, axis)
    turned = outer + math.cos(angle) * (np.eye(3) - outer) + math.sin(angle) * cross
    return turned.astype(np.float32)


def _paint(car: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Give a car another colour, as strong as paint; what is dark or bright remains so."""
    hue, strength = rng.uniform(0, 1), rng.uniform(0.5, 1)
    colour = np.array(colorsys.hsv_to_rgb(hue, rng.uniform(0.6, 1), 1), np.float32)
    colour /= math.sqrt(float(colour @ LUMA))  # between as bright as it was and the pure colour
    painted = np.minimum((car @ LUMA)[..., None] * colour, 255)
    return np.asarray(car + np.float32(strength) * (painted - car), np.float32)


def _dusk(pixels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Darken a picture by a gamma above 1 and a gain below, of which each channel has its own."""
    gamma = rng.uniform(1, 2.2) * rng.uniform(0.9, 1.1, 3)
    gain = rng.uniform(0.4, 1) * rng.uniform(0.85, 1, 3)
    dark = 255 * gain * (np.clip(pixels, 0, 255) / 255) ** gamma
    return dark.astype(np.float32)


def _dapple(car: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Brighten and darken a car in smooth patches, a third to the whole of its size."""
    height, width = car.shape[:2]
    cells = rng.normal(0, rng.uniform(0.1, 0.5), rng.integers(2, 5, 2)).astype(np.float32)
    field = Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(np.clip(car * np.exp(np.asarray(field))[..., None], 0, 255), np.float32)


def _tilt(
    car: NDArray[np.float32], alpha: NDArray[np.float32], degrees: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn a cut-out; the result is as large as it has to be."""
    layers = [car[..., c] * alpha for c in range(3)] + [alpha]
    turned = [
        np.asarray(Image.fromarray(layer).rotate(degrees, Image.Resampling.BILINEAR, expand=True))
        for layer in layers
    ]
    alpha = np.asarray(turned.pop(), np.float32)
    colours = np.stack(turned, axis=-1) / np.maximum(alpha, 1e-3)[..., None]
    return np.asarray(colours, np.float32), np.clip(alpha, 0, 1)


Overlap = tuple[slice, slice]  # of the canvas, and of what is pasted


def _overlap(start: int, length: int, limit: int) -> Overlap:
    """Return where [start, start + length) lies in [0, limit), in the coordinates of both."""
    first, last = max(0, start), min(limit, start + length)
    return slice(first, last), slice(first - start, last - start)


def _shrink(
    image: Picture, mask: NDArray[np.bool_], width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scale a cut-out, and return its colours and its alpha, float32, the alpha in [0, 1].

    Colours are scaled with the mask as weight, so that no studio wall shines through the edge.
    """
    size = (width, height)
    weight = mask.astype(np.float32)
    layers = [image[..., c] * weight for c in range(3)] + [weight]
    scaled = [
        np.asarray(Image.fromarray(layer).resize(size, Image.Resampling.BILINEAR))
        for layer in layers
    ]
    alpha = scaled.pop()
    return np.stack(scaled, axis=-1) / np.maximum(alpha, 1e-3)[..., None], np.clip(alpha, 0, 1)


def _relight(
    car: NDArray[np.float32], around: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Bring the car's brightness closer to its surroundings, or away; change its colours a little.

    A white car in a dark wood stays white.
    """
    ratio = (around.mean() + 20) / (car.mean() + 20)
    gain = ratio ** rng.uniform(-0.25, 0.5) * rng.uniform(0.9, 1.1, 3)
    return np.clip(car * gain.astype(np.float32), 0, 255)


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


def _mirrored(image: Picture, share: Picture, flip: bool) -> Sample:
    return (image[:, ::-1], share[:, ::-1]) if flip else (image, share)


def _pick(choices: Sequence[T], rng: np.random.Generator) -> T:
    return choices[int(rng.integers(len(choices)))]


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _around(rng: np.random.Generator, change: float) -> float:
    """Draw a factor around 1, as likely above as below."""
    return _log_uniform(rng, 1 / (1 + change), 1 + change)


@lru_cache(maxsize=600)  # the small data set whole: about 420 MB; of a large one the latest
def _decode(pair: Pair) -> tuple[Picture, NDArray[np.bool_]]:
    return pair.read()
