"""Masks: read one, compare it with another (IoU, Dice, Boundary IoU), and say where it is unsure.

Masks are boolean arrays (H, W), True on the object; every metric is a fraction in [0, 1].
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import ImageError
from zoo.preprocessing.image_files import ImageSource, decode
from zoo.segmentation import file_names, mask_values

Mask = NDArray[np.bool_]

# What :func:`errors` calls a pixel.
OUTSIDE, HIT, MISSED, FALSE_ALARM = range(4)
UNCERTAIN = (0.1, 0.9)  # probabilities between these are neither a clear no nor a clear yes


def read(source: ImageSource, size: tuple[int, int] | None = None) -> Mask:
    """Read a mask from an image: white is the object, or what is opaque in a cut-out.

    Two values are understood whatever they are, if one of them is 0 or black: the class numbers 0
    and 1, a palette's colour, 16 bits. :mod:`zoo.segmentation.mask_values` says what else is.

    Args:
        source: A path, bytes, a ``PIL.Image``, a uint8 array (see
            :mod:`zoo.preprocessing.images`) or a bool array (H, W).
        size: (width, height) that the mask must have; None for any.

    Returns:
        bool array (H, W), a new one.

    Raises:
        ImageError: The source is no image, has another size, or does not say what the object is:
            it has several classes, or the shades of a photo.

    Example:
        >>> read(np.eye(8, dtype=np.uint8)).sum()
        np.int64(8)
    """
    if isinstance(source, np.ndarray) and source.dtype == np.bool_:
        image = decode(source.astype(np.uint8))
    else:
        image = decode(source)
    if size is not None and image.size != size:
        wrong, right = (f"{width} × {height}" for width, height in (image.size, size))
        raise ImageError(
            f"The mask has {wrong} pixels and the photo {right}: give a mask of the photo's size."
        )
    return mask_values.of(image)


def png(mask: Mask) -> bytes:
    """Encode a mask as PNG of 8-bit gray: 255 on the object, 0 elsewhere.

    Args:
        mask: bool (H, W).
    """
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(buffer, "PNG")
    return buffer.getvalue()


def file_name(photo: str, taken: set[str] | None = None) -> str:
    """Name an image's mask as Carvana does: ``street.jpg`` has the mask ``street_mask.png``.

    Args:
        photo: The image's file name; folders in it are dropped, and what not every system allows.
        taken: Names that are in use; the new name is added to them. One that is there already gets
            a number.

    Example:
        >>> taken = set()
        >>> [file_name(name, taken) for name in ("a.jpg", "a.png", "b/a.jpg")]
        ['a_mask.png', 'a-2_mask.png', 'a-3_mask.png']
    """
    return file_names.unique(photo, "_mask.png", taken)


def iou(predicted: Mask, true: Mask) -> float:
    """Return the Jaccard index |P ∩ T| / |P ∪ T|; 1 if both are empty.

    Args:
        predicted: bool (H, W).
        true: bool (H, W).
    """
    union = np.count_nonzero(predicted | true)
    return float(np.count_nonzero(predicted & true) / union) if union else 1.0


def dice(predicted: Mask, true: Mask) -> float:
    """Return the Dice coefficient 2 |P ∩ T| / (|P| + |T|); 1 if both are empty.

    Args:
        predicted: bool (H, W).
        true: bool (H, W).
    """
    total = np.count_nonzero(predicted) + np.count_nonzero(true)
    return float(2 * np.count_nonzero(predicted & true) / total) if total else 1.0


def boundary_iou(predicted: Mask, true: Mask, width: float = 0.02) -> float:
    """Return the IoU of the two masks' boundaries (Cheng et al. 2021, arXiv 2103.16562, eq. 3).

    A mask's boundary is what lies in it within a distance d of its contour. Where IoU is ruled by
    the inside of a large object, this one sees its edge alone.

    Args:
        predicted: bool (H, W).
        true: bool (H, W).
        width: d as a fraction of the image's diagonal; 2 % is the paper's value.
    """
    distance = max(1, round(width * float(np.hypot(*true.shape))))
    return iou(boundary(predicted, distance), boundary(true, distance))


def boundary(mask: Mask, distance: int) -> Mask:
    """Return the part of a mask within ``distance`` pixels (chessboard) of its outside.

    As in the authors' code, the image's border counts as outside.

    Args:
        mask: bool (H, W).
        distance: Pixels, at least 1.
    """
    from scipy.ndimage import minimum_filter

    inner = minimum_filter(mask.astype(np.uint8), size=2 * distance + 1, mode="constant", cval=0)
    return mask & ~inner.astype(bool)


def error_map(predicted: Mask, true: Mask) -> NDArray[np.uint8]:
    """Return what became of each pixel.

    Args:
        predicted: bool (H, W).
        true: bool (H, W).

    Returns:
        uint8 (H, W) of ``OUTSIDE`` (in neither mask), ``HIT`` (in both), ``MISSED`` (in the true
        mask alone) and ``FALSE_ALARM`` (in the predicted mask alone).
    """
    table = np.array([[OUTSIDE, MISSED], [FALSE_ALARM, HIT]], np.uint8)
    return table[predicted.astype(np.uint8), true.astype(np.uint8)]


def uncertain(probabilities: NDArray[np.float32]) -> Mask:
    """Return where the network is unsure: probabilities between 10 % and 90 %.

    Args:
        probabilities: float (H, W) in [0, 1].
    """
    low, high = UNCERTAIN
    return (probabilities > low) & (probabilities < high)


def area_fraction(mask: Mask) -> float:
    """Return the share of the image that a mask covers, in [0, 1].

    Args:
        mask: bool (H, W).
    """
    return float(np.count_nonzero(mask) / mask.size)
