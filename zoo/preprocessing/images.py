"""From whatever a person hands in to one checked image, or to one clear sentence.

The order of the checks matters: the header is read first, and an image whose header promises too
many pixels is refused before a single one is decoded. Pillow alone only warns between 89 and 179
megapixels.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features

from zoo.errors import ImageError

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | Image.Image | np.ndarray | Any"

MAX_PIXELS = 64_000_000  # more than phones deliver by default; 192 MB as RGB
MAX_BYTES = 64 * 2**20
MIN_SIDE = 8
# What browsers and cameras write. The others that Pillow knows are rare, and some of their readers
# start other programs (EPS).
FORMATS = (
    *("PNG", "JPEG", "GIF", "BMP", "TIFF"),
    *(name for name in ("WEBP", "AVIF") if features.check(name.lower())),
)
_WHITE = (255, 255, 255, 255)


def open_image(source: ImageSource, mode: Literal["RGB", "L"] = "RGB") -> Image.Image:
    """Return a checked, upright image; transparency is laid onto white.

    Args:
        source: A path, the bytes of an image file, an open binary file, a ``PIL.Image``, or a uint8
            array of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) with values 0 to 255.
            An animation gives its first frame; the EXIF orientation is applied; 16-bit gray is
            scaled to 8 bits.
        mode: ``"RGB"`` or ``"L"`` (gray).

    Returns:
        A new image in that mode, at least 8 pixels wide and high.

    Raises:
        ImageError: The source is no image, is damaged, too large or too small.

    Example:
        >>> import numpy as np
        >>> open_image(np.zeros((10, 20), np.uint8)).size
        (20, 10)
    """
    image = read_image(source)
    if image.mode in ("RGBA", "LA"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
    return image.convert(mode)


def read_image(source: ImageSource) -> Image.Image:
    """Return a checked, upright image in mode L, LA, RGB or RGBA, its transparency untouched.

    Arguments and errors are those of :func:`open_image`.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _decode(source)
    contents = _contents(source)
    if not contents:
        raise ImageError("The file is empty: choose an image (PNG, JPEG, GIF or WebP).")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we check ourselves
            with Image.open(io.BytesIO(contents), formats=FORMATS) as image:
                return _decode(image)
    except Image.DecompressionBombError:
        raise ImageError(_too_large("more than 179 megapixels")) from None
    except UnidentifiedImageError:
        raise ImageError(
            "This is not an image that can be read: choose a PNG, JPEG, GIF or WebP file."
        ) from None


def _contents(source: Any) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        contents = bytes(source)
    elif isinstance(source, str | os.PathLike):
        contents = _read_file(Path(source))
    elif hasattr(source, "read"):
        if hasattr(source, "seek"):
            source.seek(0)  # an uploaded file that somebody has read before
        contents = source.read(MAX_BYTES + 1)
        if not isinstance(contents, bytes):
            raise ImageError("The file is open as text: open it in binary mode ('rb').")
    else:
        raise ImageError(
            f"A {type(source).__name__} is no image: "
            "give a path, bytes, a PIL.Image or a uint8 array."
        )
    if len(contents) > MAX_BYTES:
        raise ImageError(f"The file is larger than {MAX_BYTES // 2**20} MiB: choose a smaller one.")
    return contents


def _read_file(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ImageError(f"{path} is a folder: name one image in it.")
        if path.exists() and not path.is_file():
            raise ImageError(f"{path} is not an ordinary file: name an image.")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ImageError(f"There is no file {path}: check the path.") from None
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:  # a null byte in the path
        raise ImageError("That path is not valid: check it.") from None


def _decode(image: Image.Image) -> Image.Image:
    """Check the size, decode, turn upright, and reduce the modes to L, LA, RGB and RGBA."""
    _check_size(*image.size)
    try:
        image.seek(0)  # an animation: its first frame
        image.load()
    except Exception:  # each of Pillow's readers raises errors of its own kind on damaged data
        raise ImageError("The image is damaged or incomplete: save or send it again.") from None
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        return image.convert("LA" if image.mode in ("LA", "La", "L", "1") else "RGBA")
    return image.convert("L" if image.mode in ("L", "1") else "RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit or float gray to 8 bits (Pillow's own conversion clips at 255)."""
    deep = np.asarray(image).astype(np.float64)
    if not np.isfinite(deep).all():
        raise ImageError("The image holds values that are not numbers: save it as 8-bit PNG.")
    largest = float(deep.max(initial=0.0))
    if image.mode.startswith("I;16") or largest > 255.0:
        full = 65535.0 if largest <= 65535.0 else largest
    else:
        full = 1.0 if image.mode == "F" and largest <= 1.0 else 255.0
    return Image.fromarray(np.clip(deep * (255.0 / full) + 0.5, 0, 255).astype(np.uint8))


def _from_array(array: np.ndarray) -> Image.Image:
    if array.dtype != np.uint8:
        raise ImageError(
            f"The array is {array.dtype}, and images are uint8 from 0 to 255: "
            "convert it, for values from 0 to 1 with (255 * array).astype(np.uint8)."
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise ImageError(
            f"An array of shape {array.shape} is no image: "
            "use (height, width), (height, width, 3) or (height, width, 4)."
        )
    _check_size(array.shape[1], array.shape[0])
    return Image.fromarray(np.ascontiguousarray(array))


def _check_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"The image has {width} × {height} pixels, too few to show anything: "
            f"use at least {MIN_SIDE} × {MIN_SIDE}."
        )
    if width * height > MAX_PIXELS:
        raise ImageError(_too_large(f"{width} × {height} pixels"))


def _too_large(what: str) -> str:
    return f"The image has {what}: use one of at most {MAX_PIXELS // 10**6} megapixels."


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
