"""From whatever a person hands in to one checked 8-bit image, and from that to a network's input.

:mod:`zoo.preprocessing.image_files` reads and checks; here an image becomes RGB or gray, is cut,
scaled and normalized.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from zoo.preprocessing import gray_depth
from zoo.preprocessing.image_files import MIN_SIDE, ImageSource, decode

_WHITE = (255, 255, 255, 255)


def open_image(
    source: ImageSource, mode: Literal["RGB", "L"] = "RGB", *, share: bool = False
) -> Image.Image:
    """Return a checked, upright image; transparency is laid onto white.

    What is handed in stays as it is: its pixels, its frame, the place in an open file.

    Args:
        source: A path, the bytes of an image file, an open binary file, a ``PIL.Image``, or a uint8
            array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) with values 0 to 255.
            An animation gives its first frame; the EXIF orientation is applied; gray of 10 to 16
            bits is scaled to 8, by what it holds.
        mode: ``"RGB"`` or ``"L"`` (gray).
        share: The result will only be read, so it may be the source itself, or share its memory,
            if nothing has to change: a photo of 64 megapixels takes 256 MB.

    Returns:
        An image in that mode, at least 8 pixels wide and high; a new one, unless ``share`` is set.

    Raises:
        ImageError: The source is no image, is damaged, too large or too small.

    Example:
        >>> import numpy as np
        >>> open_image(np.zeros((10, 20), np.uint8)).size
        (20, 10)
    """
    image = _reduced(decode(source))
    if image.mode in ("RGBA", "LA"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
    if image.mode != mode:
        return image.convert(mode)
    return image if share else _own(image, source)


def read_image(source: ImageSource) -> Image.Image:
    """Return a checked, upright image in mode L, LA, RGB or RGBA, its transparency untouched.

    Arguments and errors are those of :func:`open_image`.
    """
    return _own(_reduced(decode(source)), source)


def _own(image: Image.Image, source: ImageSource) -> Image.Image:
    """Return an image that shares nothing with what was handed in."""
    borrowed = image is source or isinstance(source, np.ndarray)
    return image.copy() if borrowed else image


def _reduced(image: Image.Image) -> Image.Image:
    """Reduce the modes to L, LA, RGB and RGBA; the same image, if it has one of them."""
    if gray_depth.is_deep(image):
        return gray_depth.to_8_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        mode = "LA" if image.mode in ("LA", "La", "L", "1") else "RGBA"
    else:
        mode = "L" if image.mode in ("L", "1") else "RGB"
    return image if image.mode == mode else image.convert(mode)


def fit(image: Image.Image, height: int, width: int) -> Image.Image:
    """Crop the centre to the aspect ratio of (height, width) and resize to it."""
    if image.size == (width, height):
        return image
    return ImageOps.fit(image, (width, height), method=Image.Resampling.LANCZOS)


def scale(image: Image.Image, longest: int) -> Image.Image:
    """Resize to a longest side of ``longest`` pixels, in the image's own shape."""
    factor = longest / max(image.size)
    width, height = (max(1, round(side * factor)) for side in image.size)
    if image.size == (width, height):
        return image
    return image.resize((width, height), Image.Resampling.LANCZOS)


def crop_square(
    image: Image.Image, x: float = 0.5, y: float = 0.5, side: float = 1.0
) -> Image.Image:
    """Cut a square out of an image, by default the largest one, from its middle.

    Args:
        image: The image.
        x: Where in the room that is left to it the square lies: 0 at the left edge, 1 at the right.
        y: The same from top (0) to bottom (1).
        side: The square's side as a share of the image's shorter side, in (0, 1].

    Returns:
        A square image of at least 8 × 8 pixels. Values out of range are brought into it.

    Example:
        >>> crop_square(Image.new("RGB", (30, 20)), x=1.0).size
        (20, 20)
    """
    shorter = min(image.size)
    length = min(max(round(side * shorter), MIN_SIDE), shorter)
    left, top = (
        round(min(max(place, 0.0), 1.0) * (whole - length))
        for place, whole in zip((x, y), image.size, strict=True)
    )
    return image.crop((left, top, left + length, top + length))


def normalize(
    image: Image.Image | np.ndarray, mean: Sequence[float], std: Sequence[float]
) -> np.ndarray:
    """Return (x / 255 − mean) / std as a float32 array of shape (C, H, W).

    Args:
        image: A gray (C = 1) or RGB (C = 3) image, or a uint8 array of one.
        mean: C values, of images scaled to [0, 1].
        std: C values.
    """
    pixels = np.asarray(image, dtype=np.float32)
    chw = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    mean_, std_ = (np.asarray(v, dtype=np.float32)[:, None, None] for v in (mean, std))
    return np.ascontiguousarray((chw / np.float32(255) - mean_) / std_)
