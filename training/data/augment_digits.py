"""Augmentation of digits: small random affine maps and changes of the stroke's width, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DigitAugmentation:
    """How far a training image may be changed and still be the same digit.

    Attributes:
        rotation: largest angle, in degrees, either way.
        scale: largest relative change of the size, either way, drawn for each axis.
        shear: largest horizontal shift a pixel of height, either way (slant).
        translation: largest shift, in pixels, either way, drawn for each axis.
        stroke: largest strength, 0 to 1, of thickening or thinning the strokes.
    """

    rotation: float = 12.0
    scale: float = 0.12
    shear: float = 0.15
    translation: float = 2.0
    stroke: float = 0.5

    def __call__(self, images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return changed copies of images (N, H, W), uint8, ink bright on 0."""
        images = self._change_strokes(images, rng)
        return warp(images, *self._draw_maps(len(images), rng))

    def _draw_maps(
        self, count: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Draw matrices (N, 2, 2) and shifts (N, 2), from output (row, column) to input."""

        def draw(limit: float, *shape: int) -> NDArray[np.float32]:
            return rng.uniform(-limit, limit, (count, *shape)).astype(np.float32)

        angle = np.deg2rad(draw(self.rotation))
        cosine, sine = np.cos(angle), np.sin(angle)
        rows, columns = 1 + draw(self.scale), 1 + draw(self.scale)
        shear = draw(self.shear)
        rotation = np.stack([cosine, -sine, sine, cosine], axis=1).reshape(-1, 2, 2)
        zero = np.zeros_like(rows)
        stretch = np.stack([rows, zero, shear, columns], axis=1).reshape(-1, 2, 2)
        return rotation @ stretch, draw(self.translation, 2)

    def _change_strokes(
        self, images: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Blend each image with its dilation (thicker) or its erosion (thinner), or leave it.

        A third each. Dilation and erosion are the maximum and minimum over a pixel and its
        four neighbours (Serra 1982).
        """
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
        neighbours = (
            padded[:, :-2, 1:-1], padded[:, 2:, 1:-1], padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]
        )  # fmt: skip
        thick, thin = images.copy(), images.copy()
        for neighbour in neighbours:
            np.maximum(thick, neighbour, out=thick)
            np.minimum(thin, neighbour, out=thin)
        choice = rng.integers(0, 3, len(images))[:, None, None]
        other = np.where(choice == 0, thick, np.where(choice == 1, thin, images))
        strength = rng.uniform(0, self.stroke, len(images)).astype(np.float32)[:, None, None]
        # Thinning takes more away from a 3-pixel stroke than thickening adds: half the strength.
        strength = np.where(choice == 1, strength / 2, strength)
        mixed = images + strength * (other.astype(np.float32) - images)
        return mixed.astype(np.uint8)


def warp(
    images: NDArray[np.uint8], matrices: NDArray[np.float32], shifts: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Map images affinely about their centre, with bilinear interpolation and black outside.

    Output pixel p takes the value at A (p − c) + c + t, c the centre of the image.

    Args:
        images: (N, H, W), uint8.
        matrices: A for each image, (N, 2, 2), from output to input (row, column).
        shifts: t for each image, (N, 2), in pixels.

    Returns:
        (N, H, W), uint8.
    """
    count, height, width = images.shape
    grid = np.indices((height, width), dtype=np.float32).reshape(2, -1)
    centre = np.array([[(height - 1) / 2], [(width - 1) / 2]], np.float32)
    source = matrices @ (grid - centre) + (centre[None] + shifts[:, :, None])  # (N, 2, H·W)
    # A black frame, into which all coordinates outside fall, replaces a test of every pixel.
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2))).reshape(-1)
    row = np.clip(source[:, 0] + 2, 0.5, height + 2.5)
    column = np.clip(source[:, 1] + 2, 0.5, width + 2.5)
    top, left = row.astype(np.int32), column.astype(np.int32)  # floor, as both are positive
    down, right = row - top, column - left
    stride = width + 4
    offsets = np.arange(count, dtype=np.int32)[:, None] * ((height + 4) * stride)
    corner = offsets + top * stride + left
    upper = padded[corner] * (1 - right) + padded[corner + 1] * right
    lower = padded[corner + stride] * (1 - right) + padded[corner + stride + 1] * right
    values = upper * (1 - down) + lower * down
    return (values + 0.5).astype(np.uint8).reshape(images.shape)
