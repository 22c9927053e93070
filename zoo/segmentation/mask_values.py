"""Which pixels of a mask's image are the object: white, opaque, a class's number or its colour.

Tools write masks in many ways: 0 and 255, the class numbers 0 and 1, a palette of colours, 16 bits,
a transparent background. What can be told apart is understood. What cannot (several classes, a
photo) is refused, because a mask that is read as empty teaches that nothing is there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from zoo.errors import ImageError
from zoo.preprocessing import gray_depth

Mask = NDArray[np.bool_]

_ASK = "give one that is black where the object is not, and white where it is."
_COLOURS = 256  # more need not be counted
# Values of a mask that was drawn with soft edges, or went through JPEG. All are shares.
_NEAR = 1 / 16  # of white: that far from the most common dark or light value is the same value
_SOFT = 0.25  # of all pixels may lie between
_FEW = 8  # values: fewer are class numbers, unless they make an edge
_OTHERS_FEW, _OTHERS = 0.1, 1.0  # of the light pixels: other dark values than the most common
_GRAY = 16  # how much a gray pixel's channels may differ after JPEG


def of(image: Image.Image) -> Mask:
    """Return the object's pixels, bool (H, W).

    Args:
        image: A decoded mask in the mode of its file; see
            :func:`zoo.preprocessing.image_files.decode`.

    Raises:
        ImageError: Which pixels are the object cannot be told.
    """
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        alpha = image.convert("RGBA").getchannel("A")
        low, high = (int(value) for value in np.asarray(alpha.getextrema()))
        if high == 0:
            raise ImageError(f"The mask is transparent everywhere: {_ASK}")
        if low < high and low < 128:  # a cut-out: what is opaque
            return _by_value(np.asarray(alpha))
    if image.mode == "1" or gray_depth.is_deep(image):
        return _by_value(np.asarray(image))
    if image.mode in ("L", "LA", "La"):
        return _by_value(np.asarray(image.getchannel(0)))
    return _by_index(image) if image.mode == "P" else _by_colour(image.convert("RGB"))


def _by_index(image: Image.Image) -> Mask:
    """Read a palette's mask: by the colours of the indices that are there."""
    indices = np.asarray(image)
    used, _ = _counted(indices)
    colours = np.zeros((256, 3), np.uint8)
    palette = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    colours[: len(palette)] = palette
    present = colours[used.astype(np.intp)]
    different = np.unique(present, axis=0)
    if len(different) < len(used):  # an unfinished palette: the indices are all there is
        return _by_value(indices)
    if not np.ptp(present, axis=1).any():  # all gray
        return _by_value(colours[:, 0][indices])
    if len(different) == 2 and not different[0].any():
        return np.asarray(np.any(colours, axis=1), np.bool_)[indices]
    raise _too_colourful(len(different))


def _by_colour(image: Image.Image) -> Mask:
    """Read an RGB mask: one colour on black, or gray."""
    colours = [colour for _, colour in image.getcolors(_COLOURS) or ()]
    if len(colours) == 2 and (0, 0, 0) in colours:
        return np.asarray(np.asarray(image).any(axis=2))
    red, green, blue = image.split()
    unlike = max(
        int(np.asarray(ImageChops.difference(one, two).getextrema())[1])
        for one, two in ((red, green), (green, blue), (blue, red))
    )
    if unlike > (0 if 0 < len(colours) <= 2 else _GRAY):
        raise _too_colourful(len(colours))
    return _by_value(np.asarray(image.convert("L")))


def _too_colourful(number: int) -> ImageError:
    many = f"{number} colours" if number else "many colours"
    return ImageError(f"The mask has {many}, and none of them says that it is the object: {_ASK}")


def _by_value(values: NDArray[Any]) -> Mask:
    """Read a gray mask of any depth: bool, integers or fractions (H, W)."""
    if values.dtype == np.bool_:
        return values.astype(np.bool_)
    white = 255.0 if values.dtype == np.uint8 else gray_depth.full_scale(values)
    present, counts = _counted(values)
    if len(present) == 1 and present[0] == 0:
        return np.zeros(values.shape, np.bool_)
    if len(present) == 2 and present[0] == 0:
        return np.asarray(values != 0)
    light = present > white / 2
    if (
        not light.any()
        or (light.all() and len(present) > 1)
        or not _is_soft(present, counts, light, white)
    ):
        raise ImageError(f"The mask has {_listed(present)}, which may be classes: {_ASK}")
    return np.asarray(values > white / 2)


def _is_soft(
    present: NDArray[np.float64], counts: NDArray[np.int64], light: Mask, white: float
) -> bool:
    """Tell whether values are two, blurred, rather than several classes or a photo's shades.

    Args:
        present: The values, in order.
        counts: How many pixels have each.
        light: Which of them are lighter than mid-gray; some are.
        white: The value of white.
    """
    if len(present) < 3:
        return True
    common = [present[side][counts[side].argmax()] for side in (~light, light) if side.any()]
    near = np.min([np.abs(present - value) for value in common], axis=0) <= _NEAR * white
    if counts[~near].sum() > _SOFT * counts.sum():
        return False
    dark, lights = counts[~light], counts[light].sum()
    if not len(dark):
        return True
    few = len(present) <= _FEW
    others = counts[~light & near].sum() - dark.max()
    between = counts.sum() - dark.max() - counts[light].max()
    if few and between > min(dark.max(), counts[light].max()):
        return False
    return bool(others <= (_OTHERS_FEW if few else _OTHERS) * lights)


def _counted(values: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the values that are there, in order, and how many pixels have each."""
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2:  # a tenth of the time of sorting
        counts = np.bincount(values.ravel())
        present = np.flatnonzero(counts)
        return present.astype(np.float64), counts[present]
    found, counts = np.unique(values, return_counts=True)
    return found.astype(np.float64), counts


def _listed(present: NDArray[np.float64]) -> str:
    some = ", ".join(f"{value:g}" for value in present[:4])
    if len(present) == 1:
        return f"the value {some} everywhere"
    return f"the values {some}{' …' if len(present) > 4 else ''}"
