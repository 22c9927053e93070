"""Other light on an image: colour and sharpness change, and what is where does not.

Everything random comes from the generator that is passed in: the same seed, the same image.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Pixels = NDArray[np.uint8]  # (H, W, 3)
MOST_SHARPENED = 120  # per cent of what a blur of about a pixel takes away
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class PhotometricJitter:
    """Changes of colour and sharpness that leave the mask as it is.

    Attributes:
        brightness, contrast, saturation, tint: largest relative change, either way.
        gray: chance of an image without colour.
        hue: chance that all hues are turned, by any angle.
        blur: chance of a blur of up to ``blur_radius`` pixels.
        sharpen: chance that an image without that blur is sharpened, as phones do it.
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
    sharpen: float = 0.0

    def __call__(self, image: Pixels, rng: np.random.Generator) -> Pixels:
        """Return a changed copy of an image, uint8 (H, W, 3)."""
        pixels = self.recolour(image.astype(np.float32), rng)
        if self.dusk and rng.random() < self.dusk:
            pixels = _dusk(pixels, rng)
        if rng.random() < self.noise:
            level = rng.uniform(0, self.noise_level)
            pixels += level * rng.standard_normal(pixels.shape, dtype=np.float32)
        photo = Image.fromarray(np.clip(pixels, 0, 255).round().astype(np.uint8))
        if rng.random() < self.blur:
            photo = photo.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, self.blur_radius)))
        elif self.sharpen and rng.random() < self.sharpen:
            percent = round(rng.uniform(30, MOST_SHARPENED))
            photo = photo.filter(ImageFilter.UnsharpMask(rng.uniform(0.6, 1.5), percent, 0))
        if rng.random() < self.jpeg:
            file = io.BytesIO()
            photo.save(file, "JPEG", quality=int(rng.integers(self.jpeg_quality, 96)))
            photo = Image.open(file).convert("RGB")
        return np.asarray(photo)

    def recolour(
        self, pixels: NDArray[np.float32], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Change brightness, contrast, saturation and tint of pixels 0 to 255, float32."""
        # Every change is affine, so that all of them are one matrix and one shift.
        gray = np.outer(LUMA, np.ones(3))  # to multiply from the right, as all matrices here
        chroma = np.eye(3) - gray
        if rng.random() < self.hue:
            chroma = chroma @ _turn(rng.uniform(0, 2 * math.pi))
        saturation = 0.0 if rng.random() < self.gray else _around(rng, self.saturation)
        gain = _around(rng, self.brightness) * rng.uniform(1 - self.tint, 1 + self.tint, 3)
        contrast = _around(rng, self.contrast)
        # Contrast leaves this gray as it is. (Two means, because one over both axes takes 30 times
        # as long.)
        middle = float(pixels.mean(axis=0).mean(axis=0) @ LUMA)
        matrix = (gray + saturation * chroma) * contrast * gain
        changed = pixels.reshape(-1, 3) @ matrix.astype(np.float32)
        changed += (middle * (1 - contrast) * gain).astype(np.float32)
        return changed.reshape(pixels.shape)


def _turn(angle: float) -> NDArray[np.float32]:
    """Return the matrix, to multiply from the right, that turns colours about the gray axis."""
    axis = np.full(3, 1 / math.sqrt(3))
    cross = np.cross(np.eye(3), axis)  # Rodrigues' formula
    outer = np.outer(axis, axis)
    turned = outer + math.cos(angle) * (np.eye(3) - outer) + math.sin(angle) * cross
    return turned.astype(np.float32)


def _dusk(pixels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Darken an image by a gamma above 1 and a gain below, of which each channel has its own."""
    gamma = rng.uniform(1, 2.2) * rng.uniform(0.9, 1.1, 3)
    gain = rng.uniform(0.4, 1) * rng.uniform(0.85, 1, 3)
    dark = 255 * gain * (np.clip(pixels, 0, 255) / 255) ** gamma
    return dark.astype(np.float32)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw from low to high; a factor is as likely as its reciprocal."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _around(rng: np.random.Generator, change: float) -> float:
    """Draw a factor around 1, as likely above as below."""
    return log_uniform(rng, 1 / (1 + change), 1 + change)
