"""Arrays as images in a page: PNG bytes and ``data:`` addresses."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

import zoo

SHORTEST = 32  # pixels to which no kept image's shorter side is reduced, so that it stays one
JPEG_SIDE = 65_500  # pixels: the longest side that a JPEG can have


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
        side: The limit.
        quality: 1 to 95, as Pillow counts it.
    """
    buffer = io.BytesIO()
    _reduced(image, min(1.0, side / max(image.size))).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _reduced(image: Image.Image, factor: float) -> Image.Image:
    """Scale an image down; the same image, if the factor is 1."""
    if factor == 1:
        return image
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)


def compact(image: Image.Image, side: int) -> tuple[bytes, str]:
    """Encode a photo to be kept: a small one exactly, a larger one as a good JPEG.

    Args:
        image: The photo, mode RGB.
        side: It gets at most so many pixels wide and high, if it is not so much longer than wide
            that hardly anything would be left of it.

    Returns:
        The image file's contents, and its format for :func:`data_url`.
    """
    shorter = min(image.size)
    factor = min(1.0, max(side / max(image.size), min(SHORTEST, shorter) / shorter))
    kept = _reduced(image, factor)
    if max(image.size) <= 256 or max(kept.size) > JPEG_SIDE:
        return png(kept), "png"
    return jpeg(kept, max(kept.size), quality=92), "jpeg"


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


def smaller(image: Image.Image) -> bytes:
    """Encode an image, mode RGB, as PNG, or as a good JPEG if that takes fewer bytes."""
    return min(png(image), jpeg(image, max(image.size), quality=92), key=len)


def kind(encoded: bytes) -> str:
    """Return the format of a PNG or JPEG file, as in ``image/<kind>``."""
    return "png" if encoded.startswith(b"\x89PNG") else "jpeg"


def shape(png: bytes) -> float:
    """Return the width of a PNG file's image divided by its height."""
    width, height = struct.unpack(">II", png[16:24])
    return float(width) / float(height)


def data_url(encoded: bytes, kind: str = "png") -> str:
    """Return an address that holds the image itself.

    Args:
        encoded: The bytes of an image file.
        kind: Its format, as in ``image/<kind>``.
    """
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"
