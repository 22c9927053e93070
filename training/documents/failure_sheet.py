"""Held-out phone photos beside what became of them, as one image to look at.

A row a photo: the photo; the network's mask; what the partial mask knows; where the two differ. The
photos must not be passed on, and neither may the sheet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from training.data.car_photos import CAR, ELSEWHERE
from zoo.segmentation.masks import Mask

SIDE = 320  # pixels, of each image of a row
LINE = 24  # pixels, of the text above it
LEGEND = "photo | mask | labelled: green car, blue not this car | yellow missed, pink false"
GREEN, BLUE, YELLOW, PINK = (0, 220, 60), (40, 80, 255), (255, 220, 0), (255, 0, 110)

Pixels = NDArray[np.uint8]  # (H, W, 3)


def sheet(rows: Sequence[tuple[str, Pixels, Mask, NDArray[np.uint8]]]) -> Image.Image:
    """Return the sheet.

    Args:
        rows: (text, photo, predicted mask, partial mask) for every photo, all of its size; partial
            masks are uint8, see `training.data.car_photos`.

    Returns:
        An RGB image, four images wide.
    """
    strips = [
        (f"{text}    {LEGEND}", _strip(photo, mask, partial)) for text, photo, mask, partial in rows
    ]
    height = sum(LINE + strip.height for _, strip in strips)
    drawn = Image.new("RGB", (4 * SIDE, max(height, 1)), "white")
    pen, font, top = ImageDraw.Draw(drawn), ImageFont.load_default(13), 0
    for text, strip in strips:
        pen.text((6, top + 4), text, "black", font)
        drawn.paste(strip, (0, top + LINE))
        top += LINE + strip.height
    return drawn


def _strip(photo: Pixels, mask: Mask, partial: NDArray[np.uint8]) -> Image.Image:
    car, elsewhere = partial == CAR, partial == ELSEWHERE
    known = _tint(_tint(photo, car, GREEN), elsewhere, BLUE)
    wrong = photo // 3
    wrong[car & ~mask], wrong[elsewhere & mask] = YELLOW, PINK
    size = (SIDE, round(SIDE * photo.shape[0] / photo.shape[1]))
    strip = Image.new("RGB", (4 * SIDE, size[1]))
    for place, image in enumerate((photo, _tint(photo, mask, PINK), known, wrong)):
        strip.paste(Image.fromarray(image).resize(size, Image.Resampling.BOX), (place * SIDE, 0))
    return strip


def _tint(photo: Pixels, where: Mask, colour: tuple[int, int, int]) -> Pixels:
    tinted = 0.55 * photo + 0.45 * np.array(colour)
    return np.where(where[..., None], tinted, photo).astype(np.uint8)
