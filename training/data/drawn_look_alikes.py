"""Ones with a flag and a foot, sevens with a bar: as half of the world writes them.

MNIST was written in the United States, where a 1 is one stroke and a 7 has no bar: a network that
knows nothing else takes the 1 of a German or French hand for a 7. So flags and feet are drawn onto
some of the training ones, and bars through some of the sevens. What is drawn varies within what
people write: a flag falls by at least 30° (flatter, it is the top of a 7), a bar crosses the stem
in its middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_STEEPEST_SLANT = 35.0  # degrees; a 1 that leans more keeps its single stroke


@dataclass(frozen=True)
class LookAlikes:
    """How often and how something is drawn onto ones and sevens.

    Attributes:
        flag: share of the ones that get a flag.
        foot: share of those that get a foot as well.
        bar: share of the sevens that get a bar.
        bold: share of the changed ones whose stem is drawn again with another pen.
        fall: smallest and largest angle between the flag and the horizontal, in degrees.
        flag_length: smallest and largest length of the flag, as a fraction of the height.
        foot_length: the same for the foot, and
        bar_length: for the bar.
    """

    flag: float = 0.3
    foot: float = 0.4
    bar: float = 0.3
    bold: float = 0.5
    fall: tuple[float, float] = (30.0, 65.0)
    flag_length: tuple[float, float] = (0.2, 0.55)
    foot_length: tuple[float, float] = (0.3, 0.7)
    bar_length: tuple[float, float] = (0.3, 0.65)

    def __call__(
        self, images: NDArray[np.uint8], labels: NDArray[np.uint8], rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """Return copies of images (N, 28, 28), uint8, ink bright on 0; labels keep their truth."""
        images = images.copy()
        draw = rng.random(len(images))
        for index in np.flatnonzero((labels == 1) & (draw < self.flag)):
            images[index] = centred(self.with_flag(images[index], rng))
        for index in np.flatnonzero((labels == 7) & (draw < self.bar)):
            images[index] = centred(self.with_bar(images[index], rng))
        return images

    def with_flag(self, one: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draw a flag, perhaps a foot, and perhaps the stem anew, onto a 1 (28, 28)."""
        top, bottom = _ends(one)
        stem = bottom - top
        height = float(np.hypot(*stem))
        slant = np.degrees(np.arctan2(-stem[1], stem[0]))  # > 0: the top leans to the right
        if height < 8 or abs(slant) > _STEEPEST_SLANT:
            return one
        pen = float(np.clip(one.sum() / 255 / height, 1.5, 4.5) * rng.uniform(0.8, 1.2))
        if rng.random() < self.bold:
            pen = rng.uniform(1.6, 4.8)
            one = np.maximum(one, segment(top, bottom, pen))
        # No nearer to the stem than 20°, or flag and stem are one thick stroke.
        steepest = min(self.fall[1], 70 - max(slant, 0))
        fall = np.radians(rng.uniform(min(self.fall[0], steepest - 5), steepest))
        reach = height * rng.uniform(*self.flag_length)
        tip = top + reach * np.array([np.sin(fall), -np.cos(fall)])
        one = np.maximum(one, segment(top, tip, pen))
        if rng.random() < self.foot:
            half = height * rng.uniform(*self.foot_length) / 2
            tilt = np.radians(rng.uniform(-8, 8))
            arm = half * np.array([np.sin(tilt), np.cos(tilt)])
            middle = bottom + np.array([0, half * rng.uniform(-0.2, 0.2)])
            one = np.maximum(one, segment(middle - arm, middle + arm, pen))
        return one

    def with_bar(self, seven: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draw a bar through the middle of a 7's (28, 28) stem."""
        rows = np.flatnonzero((seven > 127).any(axis=1))
        if len(rows) < 8:
            return seven
        height = len(rows)
        row = rows[0] + rng.uniform(0.4, 0.65) * height
        columns = np.flatnonzero(seven[int(row)] > 127)
        if len(columns) == 0:
            return seven
        middle = np.array([row, columns[-8:].mean() + rng.uniform(-1, 1)])
        half = height * rng.uniform(*self.bar_length) / 2
        tilt = np.radians(rng.uniform(-20, 20))
        arm = half * np.array([np.sin(tilt), np.cos(tilt)])
        return np.maximum(seven, segment(middle - arm, middle + arm, rng.uniform(1.5, 3.5)))


def segment(start: NDArray, end: NDArray, width: float, side: int = 28) -> NDArray[np.uint8]:
    """Draw a straight stroke with round ends, anti-aliased.

    Args:
        start: (row, column), in pixels.
        end: the same.
        width: of the pen, in pixels.
        side: of the square image.

    Returns:
        uint8 (side, side), ink bright on 0.
    """
    along = np.asarray(end, np.float64) - start
    rows, columns = np.mgrid[:side, :side] - np.asarray(start, np.float64)[:, None, None]
    length = max(float(along @ along), 1e-9)
    share = np.clip((rows * along[0] + columns * along[1]) / length, 0, 1)
    away = np.hypot(rows - share * along[0], columns - share * along[1])
    return (255 * np.clip(width / 2 + 0.5 - away, 0, 1)).astype(np.uint8)


def centred(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Move an image's centre of mass to MNIST's (14, 14), by whole pixels, if its ink stays in."""
    weights = image.astype(np.float64)
    total = weights.sum()
    shift = []
    for axis in (0, 1):
        sums = weights.sum(axis=1 - axis)
        used = np.flatnonzero(sums)
        wanted = round(14 - float(sums @ np.arange(len(sums))) / total)
        shift.append(int(np.clip(wanted, -used[0], len(sums) - 1 - used[-1])))
    return np.roll(image, shift, (0, 1))


def _ends(one: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle of a single stroke's first and last rows, as (row, column)."""
    mask = one > 127
    rows = np.flatnonzero(mask.any(axis=1))
    first, last = rows[:2], rows[-2:]
    ends = []
    for near in (first, last):
        columns = np.nonzero(mask[near])[1]
        ends.append(np.array([near.mean(), columns.mean()]))
    return ends[0], ends[1]
