"""MNIST's own preparation, for a digit that was drawn or photographed.

LeCun et al. (1998, Gradient-based learning applied to document recognition, section III-A) and the
MNIST page: the black-and-white digit is scaled into a 20 × 20 box keeping its aspect ratio, the
anti-aliasing of that step leaves grey levels, and the centre of mass is put at the centre of a
28 × 28 field. In the published files (all 70,000 were checked) the longer side of the ink is 20
pixels (19 in 16 images) and the centre of mass lies within half a pixel of index 14.

Other people's digits differ from that in colour, light, place, size and pen.
:mod:`zoo.preprocessing.ink` finds the ink, :mod:`zoo.preprocessing.strokes` the strokes and their
width, and this module draws them again as MNIST would have. Both need SciPy, whose import takes a
quarter of a second, and are imported when an image comes that has not MNIST's form already.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from zoo.errors import ImageError
from zoo.preprocessing import images

FIELD = 28
BOX = 20
CENTRE = 14.0  # index of MNIST's centre of mass
_FINE = 5  # pixels of the high-resolution drawing for one MNIST pixel
# Strokes thinner than this, in MNIST's pixels, are thickened to it. It is the 10th percentile of
# the widths of 3,000 MNIST training images, measured by strokes.stroke_width; the median is 2.5,
# the 95th percentile 4.0. Thick strokes are left alone: thinning them was tried, and on validation
# digits drawn with pens of 20 to 40 % of their height it cost up to 5 points of accuracy, because
# loops that are closed do not open again, while the outline that tells the digit is lost.
THINNEST = 1.8


def prepare(image: images.ImageSource) -> np.ndarray:
    """Return a digit in MNIST's form.

    Args:
        image: A path, bytes, a ``PIL.Image`` or a uint8 array with one digit, of any size and
            colour, dark on light or light on dark, or drawn on a transparent canvas. An image
            that has MNIST's form already is returned bit for bit.

    Returns:
        uint8 array (28, 28), light (255) on dark (0).

    Raises:
        ImageError: The source is no image, or nothing is drawn on it.

    Example:
        >>> import numpy as np
        >>> paper = np.full((200, 300), 255, np.uint8)
        >>> paper[40:120, 150:160] = 0  # a "1" in black ink
        >>> prepare(paper).shape
        (28, 28)
    """
    opened = images.read_image(image)
    mnist = _as_mnist(opened)
    if mnist is not None:
        return mnist
    from zoo.preprocessing import ink, strokes

    amount = ink.ink_map(opened)
    mask = strokes.digit_mask(amount)
    return place(shrink(_redraw(amount, mask)))


def is_mnist(pixels: np.ndarray) -> bool:
    """Tell whether an image has MNIST's form: size, polarity, box and centre of mass.

    Args:
        pixels: uint8 array (28, 28).
    """
    if pixels.shape != (FIELD, FIELD) or pixels.dtype != np.uint8:
        return False
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if len(rows) == 0 or int(pixels.max()) < 250:
        return False
    longer = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    if not BOX - 1 <= longer <= BOX:
        return False
    y, x = centre_of_mass(pixels)
    return abs(y - CENTRE) < 0.53 and abs(x - CENTRE) < 0.53


def centre_of_mass(pixels: np.ndarray) -> tuple[float, float]:
    """Return the centre of mass (row, column) of an array (H, W) with a positive sum."""
    weights = pixels.astype(np.float64)
    total = weights.sum()
    rows, columns = weights.sum(axis=1), weights.sum(axis=0)
    return (
        float(rows @ np.arange(len(rows)) / total),
        float(columns @ np.arange(len(columns)) / total),
    )


def shrink(drawing: np.ndarray) -> np.ndarray:
    """Scale a drawing's ink into the 20 × 20 box, keeping the aspect ratio, anti-aliased.

    Args:
        drawing: float array (H, W) in [0, 1] of high resolution.

    Returns:
        uint8 array whose longer side is 20.
    """
    top, bottom, left, right = _bounds(drawing > 0.5)
    height, width = bottom - top, right - left
    scale = BOX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    fine = Image.fromarray((drawing * 255 + 0.5).astype(np.uint8))
    small = fine.resize(size, Image.Resampling.BOX, box=(left, top, right, bottom))
    pixels = np.asarray(small, dtype=np.float32)
    return np.minimum(pixels * (255 / max(float(pixels.max()), 1)) + 0.5, 255).astype(np.uint8)


def place(box: np.ndarray) -> np.ndarray:
    """Put a box of at most 20 × 20 pixels into 28 × 28, its centre of mass at the centre."""
    field = np.zeros((FIELD, FIELD), dtype=np.uint8)
    corner = []
    for centre, side in zip(centre_of_mass(box), box.shape, strict=True):
        corner.append(min(max(round(CENTRE - centre), 0), FIELD - side))
    top, left = corner
    field[top : top + box.shape[0], left : left + box.shape[1]] = box
    return field


def _as_mnist(opened: Image.Image) -> np.ndarray | None:
    if opened.size != (FIELD, FIELD) or opened.mode not in ("L", "RGB"):
        return None
    pixels = np.array(opened)  # a copy: the caller may write to it
    if pixels.ndim == 3:
        if (pixels != pixels[:, :, :1]).any():
            return None
        pixels = np.ascontiguousarray(pixels[:, :, 0])
    return pixels if is_mnist(pixels) else None


def _redraw(amount: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Draw the digit again at five times MNIST's resolution, no thinner than MNIST's strokes."""
    from zoo.preprocessing import strokes

    top, bottom, left, right = _bounds(mask)
    # Soft edges belong to the digit as well: take the ink around the mask, but no other component.
    window = np.s_[top:bottom, left:right]
    crop = np.where(strokes.grow(mask[window], 2), amount[window], 0)
    fine = BOX * _FINE
    scale = fine / max(crop.shape)
    size = tuple(max(1, round(side * scale)) for side in crop.shape[::-1])
    method = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    enlarged = np.asarray(Image.fromarray(crop).resize(size, method)) > 0.5
    if not enlarged.any():
        raise ImageError("No digit is to be seen: draw or photograph one, large and clear.")
    wider = _missing_width(strokes.stroke_width(enlarged))
    return strokes.thicken(np.pad(enlarged, int(wider / 2) + 3), wider)


def _missing_width(width: float) -> float:
    """Return how much wider the strokes must be drawn, in pixels of the high-resolution drawing.

    The box grows with the strokes: (width + w) / (100 + w) · 20 is to be THINNEST, which gives w.
    """
    return max(0.0, (THINNEST * _FINE - width) / (1 - THINNEST / BOX))


def _bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return top, bottom, left, right (ends exclusive) of the True pixels.

    Raises:
        ImageError: There are none.
    """
    if not mask.any():
        raise ImageError("No digit is to be seen: draw or photograph one, large and clear.")
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
