"""Images of no single digit, to measure how many of them a network notices.

They are drawn by other means than those of :mod:`training.data.not_digits`, which the network
learned from; small letters, empty frames and photos are kinds that it never saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from training.metrics.ood_detection import Probabilities, alarm
from zoo.errors import ImageError
from zoo.preprocessing.images import open_image
from zoo.preprocessing.mnist_format import prepare
from zoo.samples import samples

SIDE = 280  # of the Digits page's pad
COUNT = 200  # images of each kind
# Letters that nobody takes for a digit; O, I, S, Z, B, G, Y, l, b, g, q, s, z and the like are out.
CAPITALS = "AEFHKMNPRTUVWX"
SMALL = "aefhkmnprtuvwx"


def measure_digit_ood(
    probabilities: Probabilities, known: NDArray[np.uint8], count: int = COUNT
) -> dict[str, Any]:
    """Set the threshold and measure it.

    Args:
        probabilities: gives calibrated probabilities (N, 10) for images in MNIST's form, uint8
            (N, 28, 28).
        known: validation digits, uint8 (N, 28, 28).
        count: how many images of each kind are drawn.

    Returns:
        What a record says under ``ood``: ``score``, ``threshold``, ``false_alarm_rate``, ``n``;
        ``detection_rates`` and ``ood_n`` by kind. An image that the preparation refuses in a
        sentence counts as noticed; ``refused`` tells how many those are.
    """
    found = alarm(probabilities, known)
    rates, refused = {}, {}
    for kind, make in kinds(known).items():
        rng = np.random.default_rng(0)
        prepared = list(_prepared(make, count, rng))
        certain = _confidence(probabilities, prepared)
        noticed = (certain < found["threshold"]).sum() + count - len(prepared)
        rates[kind] = float(noticed / count)
        refused[kind] = count - len(prepared)
    numbers = dict.fromkeys(rates, count)
    return found | {"detection_rates": rates, "ood_n": numbers, "refused": refused}


def kinds(digits: NDArray[np.uint8]) -> dict[str, Callable[[np.random.Generator], Image.Image]]:
    """Return a function for each kind that draws one image of it."""
    return {
        "two digits": lambda rng: two_digits(digits, rng),
        "capital letters": lambda rng: letter(CAPITALS, rng),
        "small letters": lambda rng: letter(SMALL, rng),
        "scribbles": scribble,
        "dots": dot,
        "minus signs": minus,
        "empty frames": frame,
        "photos": photo,
    }


def two_digits(digits: NDArray[np.uint8], rng: np.random.Generator) -> Image.Image:
    """Draw two different digits beside each other, black on white."""
    page = Image.new("L", (SIDE + 120, SIDE), 255)
    left = rng.uniform(20, 60)
    for index in rng.choice(len(digits), 2, replace=False):
        rows, columns = (np.flatnonzero(digits[index].any(axis=axis)) for axis in (1, 0))
        ink = digits[index][rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        scale = rng.uniform(6, 7.5)
        size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
        drawn = Image.fromarray(255 - ink).resize(size, Image.Resampling.BICUBIC)
        page.paste(drawn, (round(left), round(rng.uniform(40, 100))))
        left += size[0] + rng.uniform(12, 50)
    return page


def letter(alphabet: str, rng: np.random.Generator) -> Image.Image:
    """Draw a letter of Pillow's own font, slanted a little, with a thin or thick pen."""
    page = Image.new("L", (SIDE, SIDE), 255)
    text = alphabet[rng.integers(len(alphabet))]
    font = ImageFont.load_default(rng.uniform(120, 220))
    middle = (SIDE / 2, SIDE / 2)
    bold = int(rng.integers(0, 6))
    ImageDraw.Draw(page).text(middle, text, 0, font, anchor="mm", stroke_width=bold)
    slant, turn = rng.uniform(-0.2, 0.3), rng.uniform(-8, 8)
    matrix = (1, slant, -slant * SIDE / 2, 0, 1, 0)
    slanted = page.transform(
        page.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=255
    )
    return slanted.rotate(turn, Image.Resampling.BILINEAR, fillcolor=255)


def scribble(rng: np.random.Generator) -> Image.Image:
    """Draw a loopy line: a sum of circles of several frequencies."""
    time = np.linspace(0, 2 * np.pi, 400)
    x, y = (
        sum(
            rng.normal() / (1 + k / 6) * np.cos(k * time + rng.uniform(0, 6.3))
            for k in range(2, int(rng.integers(6, 14)))
        )
        for _ in range(2)
    )
    points = [
        (float(a), float(b))
        for a, b in zip(*(140 + 110 * v / np.abs(v).max() for v in (x, y)), strict=True)
    ]
    return _line(points, rng.uniform(4, 14))


def dot(rng: np.random.Generator) -> Image.Image:
    """Draw a dot as a pen makes it: as wide as it is high, anywhere."""
    radius = rng.uniform(5, 40)
    x, y = rng.uniform(60, SIDE - 60, 2)
    page = Image.new("L", (SIDE, SIDE), 255)
    ImageDraw.Draw(page).ellipse((x - radius, y - radius, x + radius, y + radius), 0)
    return page


def minus(rng: np.random.Generator) -> Image.Image:
    """Draw a nearly horizontal stroke, a little bent."""
    x = np.linspace(-1, 1, 30)
    y = np.tan(np.radians(rng.uniform(-15, 15))) * x + rng.uniform(-0.08, 0.08) * x**2
    half = rng.uniform(40, 110)
    points = [(140 + half * float(a), 140 + half * float(b)) for a, b in zip(x, y, strict=True)]
    return _line(points, rng.uniform(5, 24))


def frame(rng: np.random.Generator) -> Image.Image:
    """Draw a printed frame with nothing in it."""
    page = Image.new("L", (SIDE, SIDE), 255)
    left, top = rng.uniform(15, 60, 2)
    box = (left, top, SIDE - left, SIDE - top)
    ImageDraw.Draw(page).rectangle(box, outline=0, width=int(rng.integers(2, 9)))
    return page.rotate(rng.uniform(-3, 3), Image.Resampling.BILINEAR, fillcolor=255)


def photo(rng: np.random.Generator) -> Image.Image:
    """Cut a part out of one of the photos that ship with the zoo."""
    photos = [*samples("cars"), *samples("objects")]
    opened = open_image(photos[rng.integers(len(photos))].path)
    side = round(min(opened.size) * rng.uniform(0.5, 1))
    left, top = (int(rng.integers(0, length - side + 1)) for length in opened.size)
    return opened.crop((left, top, left + side, top + side))


def _line(points: list[tuple[float, float]], pen: float) -> Image.Image:
    page = Image.new("L", (SIDE, SIDE), 255)
    pencil = ImageDraw.Draw(page)
    pencil.line(points, 0, round(pen), joint="curve")
    for x, y in points:
        pencil.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), 0)
    return page


def _prepared(
    make: Callable[[np.random.Generator], Image.Image], count: int, rng: np.random.Generator
) -> Iterator[NDArray[np.uint8]]:
    """Yield drawn images in MNIST's form, without those that are refused in a sentence."""
    for _ in range(count):
        try:
            yield prepare(make(rng))
        except ImageError:
            continue


def _confidence(
    probabilities: Probabilities, prepared: list[NDArray[np.uint8]]
) -> NDArray[np.floating]:
    if not prepared:
        return np.zeros(0)
    return probabilities(np.stack(prepared)).max(axis=1)
