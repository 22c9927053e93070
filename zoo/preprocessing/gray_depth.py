"""Gray images of more than 8 bits, or of fractions, as 8 bits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import ImageError

# Cameras of 10, 12 and 14 bits write them into 16, as they are: the brightest such image would be
# nearly black if it were scaled by what 16 bits can hold.
_FULL = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)
_STRIP = 2**22  # pixels at a time: bounds the memory


def is_deep(image: Image.Image) -> bool:
    """Tell whether an image holds more than 8 bits a pixel: Pillow's modes I;16, I and F."""
    return image.mode.startswith("I") or image.mode == "F"


def full_scale(values: NDArray[np.generic]) -> float:
    """Return which value is white: the largest one of the fewest bits that hold all values.

    Args:
        values: Of any shape, at least one. Fractions up to 1 are white at 1.

    Returns:
        1, 2^8 − 1, 2^10 − 1, 2^12 − 1, 2^14 − 1, 2^16 − 1, or the largest of the values.

    Raises:
        ImageError: There are values that are not numbers.
    """
    largest = float(values.max())
    if not np.isfinite(largest) or not np.isfinite(float(values.min())):
        raise ImageError("The image holds values that are not numbers: save it as 8-bit PNG.")
    if values.dtype.kind == "f" and largest <= 1:
        return 1.0
    return next((full for full in _FULL if largest <= full), largest)


def to_8_bits(image: Image.Image) -> Image.Image:
    """Scale an image of more than 8 bits to mode L; values below 0 become 0.

    Pillow's own conversion clips at 255 instead.
    """
    deep = np.asarray(image)
    factor = 255.0 / full_scale(deep)
    result = np.empty(deep.shape, np.uint8)
    rows = max(1, _STRIP // deep.shape[1])
    for top in range(0, len(deep), rows):
        strip = deep[top : top + rows].astype(np.float64) * factor + 0.5
        result[top : top + rows] = np.clip(strip, 0, 255)
    return Image.fromarray(result)
