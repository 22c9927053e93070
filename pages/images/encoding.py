"""Arrays as images in a page: PNG bytes and ``data:`` addresses."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

import zoo

SHORTEST = 32  # pixels to which no image's shorter side is reduced, so that it stays an image


def png(pixels: np.ndarray | Image.Image, scale: int = 1) -> bytes:
    """Encode pixels as PNG.

    Args:
        pixels: uint8 array (H, W) or (H, W, 3), or an image.
        scale: Each pixel becomes ``scale`` × ``scale`` pixels, with hard edges.
    """
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    if scale > 1:
        image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)  # 5 × faster than the default, for 20 % more bytes
    return buffer.getvalue()


def jpeg(image: Image.Image, side: int, quality: int = 85) -> bytes:
    """Encode a photo as JPEG, at most ``side`` pixels wide and high.

    Args:
        image: The photo, mode RGB.
        side: The limit; an image of which hardly anything would be left, because it is much longer
            than wide, stays larger.
        quality: 1 to 95, as Pillow counts it.
    """
    buffer = io.BytesIO()
    _reduced(image, side).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """Scale an image down to a longest side; of a panorama only until its shorter side is short."""
    shorter = min(image.size)
    factor = min(1.0, max(side / max(image.size), min(SHORTEST, shorter) / shorter))
    if factor == 1:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def compact(image: Image.Image, side: int) -> tuple[bytes, str]:
    """Encode a photo to be kept: a small one exactly, a larger one as a good JPEG.

    Args:
        image: The photo, mode RGB.
        side: It gets at most so many pixels wide and high.

    Returns:
        The image file's contents, and its format for :func:`data_url`.
    """
    if max(image.size) <= 256:
        return png(image), "png"
    return jpeg(image, side, quality=92), "jpeg"


def band(images: Sequence[bytes], side: int = 112, rows: int = 1) -> Image.Image:
    """Put images side by side, each cropped to a square.

    Args:
        images: Image files' contents, a multiple of ``rows``.
        side: Pixels of one image.
        rows: Below each other.
    """
    across = len(images) // rows
    sheet = Image.new("RGB", (side * across, side * rows))
    for index, encoded in enumerate(images):
        row, column = divmod(index, across)
        tile = ImageOps.fit(zoo.open_image(encoded), (side, side))
        sheet.paste(tile, (column * side, row * side))
    return sheet


def data_url(encoded: bytes, kind: str = "png") -> str:
    """Return an address that holds the image itself.

    Args:
        encoded: The bytes of an image file.
        kind: Its format, as in ``image/<kind>``.
    """
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"
