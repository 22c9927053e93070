"""Images that show no single digit, for a network to learn that there is something else.

Outlier exposure (Hendrycks, Mazeika & Dietterich 2019, "Deep anomaly detection with outlier
exposure"): beside the digits the network sees such images, and learns to answer them with the
same probability for every class. It then also doubts kinds that it never saw. Letters that are
drawn like a digit (O, I, S, Z, B, G, Y, …) are left out: nobody could tell.

Every image went through :func:`zoo.preprocessing.mnist_format.prepare`, as a user's does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from zoo.errors import ImageError
from zoo.preprocessing.mnist_format import prepare

SIDE = 112  # pixels of a drawing before its preparation
Lines = list[list[tuple[float, float]]]
# Letters as strokes, (x, y) in a unit square, y downwards.
LETTERS: dict[str, Lines] = {
    "A": [[(0, 1), (0.5, 0), (1, 1)], [(0.2, 0.62), (0.8, 0.62)]],
    "E": [[(1, 0), (0, 0), (0, 1), (1, 1)], [(0, 0.5), (0.8, 0.5)]],
    "F": [[(1, 0), (0, 0), (0, 1)], [(0, 0.45), (0.8, 0.45)]],
    "H": [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(0, 0.5), (1, 0.5)]],
    "K": [[(0, 0), (0, 1)], [(1, 0), (0, 0.55), (1, 1)]],
    "M": [[(0, 1), (0.1, 0), (0.5, 0.6), (0.9, 0), (1, 1)]],
    "N": [[(0, 1), (0, 0), (1, 1), (1, 0)]],
    "P": [[(0, 1), (0, 0), (0.7, 0), (0.95, 0.22), (0.7, 0.48), (0, 0.5)]],
    "R": [[(0, 1), (0, 0), (0.7, 0), (0.95, 0.22), (0.7, 0.48), (0, 0.5)], [(0.4, 0.5), (1, 1)]],
    "T": [[(0, 0), (1, 0)], [(0.5, 0), (0.5, 1)]],
    "U": [[(0, 0), (0, 0.7), (0.25, 1), (0.75, 1), (1, 0.7), (1, 0)]],
    "V": [[(0, 0), (0.5, 1), (1, 0)]],
    "W": [[(0, 0), (0.25, 1), (0.5, 0.3), (0.75, 1), (1, 0)]],
    "X": [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],
    "+": [[(0, 0.5), (1, 0.5)], [(0.5, 0), (0.5, 1)]],
    "=": [[(0, 0.3), (1, 0.3)], [(0, 0.7), (1, 0.7)]],
}


def draw(count: int, digits: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw images that show no single digit, in equal parts of every kind.

    Args:
        count: how many.
        digits: single digits (N, 28, 28), uint8, to put side by side.
        rng: decides everything.

    Returns:
        uint8 (count, 28, 28), in MNIST's form.
    """
    kinds: tuple[Callable[[], NDArray[np.uint8]], ...] = (
        lambda: several_digits(digits, rng),
        lambda: letter(rng),
        lambda: scribble(rng),
        lambda: dot_or_minus(rng),
        lambda: clouds(rng),
    )
    found: list[NDArray[np.uint8]] = []
    while len(found) < count:
        try:
            found.append(prepare(kinds[len(found) % len(kinds)]()))
        except ImageError:
            continue  # nothing was left of it: the next draw differs
    return np.stack(found) if found else np.zeros((0, 28, 28), np.uint8)


def several_digits(digits: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Put two digits, seldom three, side by side, uint8 (H, W), bright on 0."""
    parts: list[NDArray[np.uint8]] = []
    for index in rng.integers(0, len(digits), 3 if rng.random() < 0.2 else 2):
        columns = np.flatnonzero(digits[index].any(axis=0))
        part = digits[index][:, columns[0] : columns[-1] + 1]
        part = np.roll(part, int(rng.integers(-2, 3)), axis=0)
        parts += [part, np.zeros((28, int(rng.integers(0, 9))), np.uint8)]
    row = np.pad(np.concatenate(parts[:-1], axis=1), ((4, 4), (8, 8)))
    height, width = row.shape
    large = Image.fromarray(row).resize((3 * width, 3 * height), Image.Resampling.BICUBIC)
    return np.asarray(large)


def letter(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a letter by a shaky hand, slanted, narrow or wide, with any pen."""
    name = list(LETTERS)[rng.integers(len(LETTERS))]
    height, width = rng.uniform(60, 80), rng.uniform(40, 80)
    slant = rng.uniform(-0.2, 0.3) * height
    lines = [
        [
            (
                SIDE / 2 + (x - 0.5) * width + (0.5 - y) * slant + rng.normal(0, 3),
                SIDE / 2 + (y - 0.5) * height + rng.normal(0, 3),
            )
            for x, y in line
        ]
        for line in LETTERS[name]
    ]
    return _drawn(lines, rng.uniform(4, 14))


def scribble(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a line that goes to and fro, in corners or in curves."""
    points = rng.uniform(15, SIDE - 15, (int(rng.integers(7, 26)), 2))
    if rng.random() < 0.5:
        points = ndimage.zoom(points, (6, 1), order=3)
    return _drawn([[(float(x), float(y)) for x, y in points]], rng.uniform(2, 8))


def dot_or_minus(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw one blob, round or angular, or one nearly horizontal stroke."""
    middle = SIDE / 2
    if rng.random() < 0.5:
        angle, half = np.radians(rng.uniform(-25, 25)), rng.uniform(20, 40)
        x, y = half * np.cos(angle), half * np.sin(angle)
        line = [(middle - x, middle - y), (middle + x, middle + y)]
        return _drawn([line], rng.uniform(3, 20))
    image = Image.new("L", (SIDE, SIDE))
    a, b = rng.uniform(5, 35), rng.uniform(0.7, 1.4)
    box = (middle - a, middle - a * b, middle + a, middle + a * b)
    pencil = ImageDraw.Draw(image)
    (pencil.ellipse if rng.random() < 0.7 else pencil.rectangle)(box, fill=255)
    return np.asarray(image)


def clouds(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return smooth noise with a few straight edges, gray (H, W): what a photo may hold."""
    noise = sum(
        ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), sigma) * sigma
        for sigma in rng.uniform(2, 16, 2)
    )
    for _ in range(int(rng.integers(0, 4))):
        a, b, c = rng.normal(size=3)
        y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
        noise = noise + 0.7 * rng.normal() * (a * x + b * y > 0.5 * c)
    low, high = np.quantile(noise, (0.01, 0.99))
    return (255 * np.clip((noise - low) / (high - low), 0, 1)).astype(np.uint8)


def _drawn(lines: Lines, pen: float) -> NDArray[np.uint8]:
    """Draw lines with a round pen, uint8 (SIDE, SIDE), bright on 0."""
    image = Image.new("L", (SIDE, SIDE))
    pencil = ImageDraw.Draw(image)
    for line in lines:
        pencil.line(line, fill=255, width=max(1, round(pen)), joint="curve")
        for x, y in line:
            pencil.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=255)
    return np.asarray(image)
