"""Cars that are cut out of their photos: other sizes, directions, paint and light on them.

A cut-out is its colours, float32 (h, w, 3), 0 to 255, and its alpha, float32 (h, w), 0 to 1.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.cars.photometric_jitter import LUMA, Pixels

Floats = NDArray[np.float32]
MOST_GAIN = 12.0  # of the darkest parts of a car that is made white


def shrink(
    image: Pixels, mask: NDArray[np.bool_], width: int, height: int
) -> tuple[Floats, Floats]:
    """Scale a cut-out, given as its part of a photo and of the mask."""
    return _redrawn(
        image,
        mask.astype(np.float32),
        lambda layer: layer.resize((width, height), Image.Resampling.BILINEAR),
    )


def tilt(car: Floats, alpha: Floats, degrees: float) -> tuple[Floats, Floats]:
    """Turn a cut-out; the result is as large as it has to be."""
    return _redrawn(
        car, alpha, lambda layer: layer.rotate(degrees, Image.Resampling.BILINEAR, expand=True)
    )


def _redrawn(
    colours: NDArray[Any], alpha: Floats, redraw: Callable[[Image.Image], Image.Image]
) -> tuple[Floats, Floats]:
    """Redraw colours and alpha. Colours count with their alpha, so that no wall shines through."""
    layers = [*np.moveaxis(colours * alpha[..., None], -1, 0), alpha]
    drawn = [np.asarray(redraw(Image.fromarray(layer)), np.float32) for layer in layers]
    alpha = drawn.pop()
    colours = np.stack(drawn, axis=-1) / np.maximum(alpha, np.float32(1e-3))[..., None]
    return np.asarray(colours, np.float32), np.clip(alpha, 0, 1)


def paint(car: Floats, rng: np.random.Generator) -> Floats:
    """Give a car another colour, as strong as paint; what is dark or bright remains so."""
    hue, strength = rng.uniform(0, 1), rng.uniform(0.5, 1)
    colour = np.array(colorsys.hsv_to_rgb(hue, rng.uniform(0.6, 1), 1), np.float32)
    colour /= math.sqrt(float(colour @ LUMA))  # between as bright as it was and the pure colour
    painted = np.minimum((car @ LUMA)[..., None] * colour, 255)
    return np.asarray(car + np.float32(strength) * (painted - car), np.float32)


def whiten(car: Floats, alpha: Floats, rng: np.random.Generator) -> Floats:
    """Make a car silver or white: little colour, and its body as bright as that.

    The curve g L / (1 + (g − 1) L) takes the body there; white stays white, tyres stay dark.
    """
    jitter = np.clip(car @ LUMA / 255, 0, 1)[..., None]
    body = float(np.clip(np.quantile(jitter[alpha >= alpha.max() / 2], 0.7), 0.01, 0.99))
    aim = rng.uniform(0.6, 0.95)
    gain = np.float32(np.clip(aim * (1 - body) / (body * (1 - aim)), 1, MOST_GAIN))
    bright = 255 * gain * jitter / (1 + (gain - 1) * jitter)
    return np.asarray(car + np.float32(rng.uniform(0.7, 1)) * (bright - car), np.float32)


def random_shadow(car: Floats, rng: np.random.Generator) -> Floats:
    """Brighten and darken a car in smooth patches, a third to the whole of its size."""
    height, width = car.shape[:2]
    cells = rng.normal(0, rng.uniform(0.1, 0.5), rng.integers(2, 5, 2)).astype(np.float32)
    field = Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(np.clip(car * np.exp(np.asarray(field))[..., None], 0, 255), np.float32)


def match_brightness(car: Floats, around: Floats, rng: np.random.Generator) -> Floats:
    """Bring the car's brightness closer to its surroundings, or away; change its colours a little.

    A white car in a dark wood stays white.
    """
    ratio = (around.mean() + 20) / (car.mean() + 20)
    gain = ratio ** rng.uniform(-0.25, 0.5) * rng.uniform(0.9, 1.1, 3)
    return np.clip(car * gain.astype(np.float32), 0, 255)
