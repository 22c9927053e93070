"""From a map of ink to the strokes of one digit: specks and lines removed, stroke width set.

The width of a stroke is measured with the Euclidean distance transform: inside a long stroke of
width w the distance to the nearest paper pixel is spread evenly over (0, w/2), so its mean is w/4.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from zoo.errors import ImageError

_EIGHT = np.ones((3, 3), dtype=bool)  # strokes that touch at a corner are one
_SPECK = 0.03  # share of the largest component's area below which another one is dirt


def digit_mask(ink: np.ndarray) -> np.ndarray:
    """Return which pixels belong to the digit.

    Several components may be one digit (a 5 whose flag does not touch), so all are kept but specks.

    Args:
        ink: float array (H, W) in [0, 1].

    Returns:
        bool array (H, W), True for at least a few pixels.

    Raises:
        ImageError: Only specks are there.
    """
    mask = ink > 0.5
    labels, count = ndimage.label(mask, _EIGHT)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    largest = int(areas.max())
    if largest < max(6, 2e-4 * mask.size):
        raise ImageError("No digit is to be seen: draw or photograph one, large and clear.")
    keep = areas >= max(2, _SPECK * largest)
    inside = ~touching(labels, count)
    if areas[inside].sum() > 0.3 * largest:  # a table's edge or a thumb enters from outside
        keep &= inside
    keep[0] = False
    return keep[labels]


def touching(labels: np.ndarray, count: int) -> np.ndarray:
    """Return for each label whether it touches the picture's border, bool (count + 1,)."""
    touches = np.zeros(count + 1, dtype=bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touches[edge] = True
    return touches


def stroke_width(mask: np.ndarray) -> float:
    """Return the typical stroke width of a mask, in pixels; 0 for an empty one."""
    inside = ndimage.distance_transform_edt(np.pad(mask, 1))
    values = inside[inside > 0]
    return 4 * float(values.mean()) - 2 if len(values) else 0.0


def set_width(mask: np.ndarray, width: float, wanted: float) -> np.ndarray:
    """Thicken or thin the strokes.

    Thickening takes every pixel within (wanted − width)/2 of the ink. Thinning keeps the skeleton
    and shrinks everything towards it in proportion, so that a thin part of an uneven stroke is not
    lost and nothing falls apart.

    Args:
        mask: bool array with a margin that the thicker strokes fit into.
        width: The present stroke width in pixels, from :func:`stroke_width`.
        wanted: The new one.

    Returns:
        float32 array in [0, 1], with edges one pixel soft.
    """
    if wanted >= width:
        outside = ndimage.distance_transform_edt(~mask)
        return np.clip((wanted - width) / 2 + 1 - outside, 0, 1).astype(np.float32)
    middle = skeleton(mask)
    inside = ndimage.distance_transform_edt(mask)
    away, (rows, columns) = ndimage.distance_transform_edt(~middle, return_indices=True)
    radius = inside[rows, columns] * (wanted / width)
    return np.clip(radius + 0.5 - away, 0, 1).astype(np.float32) * mask


def skeleton(mask: np.ndarray) -> np.ndarray:
    """Return the middle lines of a mask, one pixel wide, with the same connections.

    Zhang & Suen (1984), A fast parallel algorithm for thinning digital patterns: peel off border
    pixels whose removal does not cut anything, alternately from the south-east and the north-west.

    Args:
        mask: bool array (H, W); its outermost pixels count as paper.

    Returns:
        bool array (H, W).
    """
    image = mask.astype(np.uint8)
    image[[0, -1]] = image[:, [0, -1]] = 0
    changed = True
    while changed:
        changed = False
        for removable in _REMOVABLE:
            peel = removable[_neighbours(image)] & image
            if peel.any():
                changed = True
                image ^= peel
    return image.astype(bool)


def _neighbours(image: np.ndarray) -> np.ndarray:
    """Return each pixel's eight neighbours as the bits of one uint8, clockwise from the north."""
    code = np.zeros_like(image)
    inner = code[1:-1, 1:-1]
    height, width = image.shape
    for bit, (y, x) in enumerate(_CLOCKWISE):
        inner |= image[1 + y : height - 1 + y, 1 + x : width - 1 + x] << np.uint8(bit)
    return code


_CLOCKWISE = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def _zhang_suen_table(second: bool) -> np.ndarray:
    """Return for each of the 256 neighbourhoods whether the sub-iteration removes its centre."""
    table = np.zeros(256, dtype=np.uint8)
    for code in range(256):
        p = [code >> bit & 1 for bit in range(8)]  # p[0] north, p[2] east, p[4] south, p[6] west
        north, east, south, west = p[0], p[2], p[4], p[6]
        rises = sum(p[i] == 0 and p[(i + 1) % 8] == 1 for i in range(8))
        if second:
            side = north * east * west == 0 and north * south * west == 0
        else:
            side = north * east * south == 0 and east * south * west == 0
        table[code] = 2 <= sum(p) <= 6 and rises == 1 and side
    return table


_REMOVABLE = (_zhang_suen_table(False), _zhang_suen_table(True))


def grow(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Return the mask and everything within so many pixels of it (chessboard distance)."""
    return ndimage.maximum_filter(mask, 2 * pixels + 1)
