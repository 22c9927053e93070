"""From a map of ink to the strokes of one digit: dirt removed, thin strokes thickened.

The width of a stroke is measured with the Euclidean distance transform: inside a long stroke of
width w the distance to the nearest paper pixel is spread evenly over (0, w/2), so its mean is w/4.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from zoo.errors import ImageError
from zoo.preprocessing.frames import without_boxes

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
        ImageError: Only specks are there, or an empty frame.
    """
    drawn = ink > 0.5
    labels, count = ndimage.label(drawn, _EIGHT)
    mask = without_boxes(drawn, labels)
    if mask is not drawn:
        labels, count = ndimage.label(mask, _EIGHT)
    across = np.intersect1d(labels[:, 0], labels[:, -1]).any()
    down = np.intersect1d(labels[0], labels[-1]).any()
    if across:
        mask = without_lines(mask)
    if down:
        mask = without_lines(mask.T).T
    if across or down:
        rest, parts = ndimage.label(mask, _EIGHT)
        if not _fills_its_image(labels) or _stands_free(rest, parts):
            labels, count = rest, parts
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    largest = int(areas.max())
    if largest < max(6, 2e-4 * ink.size):
        raise ImageError("No digit is to be seen: draw or photograph one, large and clear.")
    keep = areas >= max(2, _SPECK * largest)
    inside = ~touching(labels, count)
    if areas[inside].sum() > 0.3 * largest:  # a table's edge or a thumb enters from outside
        keep &= inside
    keep[0] = False
    return keep[labels]


def without_lines(mask: np.ndarray) -> np.ndarray:
    """Remove the printed lines of ruled paper, and mend the strokes that cross them.

    A line is made of long horizontal runs (a morphological opening finds them, so it may be a
    little tilted) that together reach across the image; a 7's bar does not.

    Args:
        mask: bool array (H, W) with nearly horizontal lines.

    Returns:
        bool array (H, W).
    """
    width = mask.shape[1]
    runs = ndimage.grey_opening(mask, (1, max(5, width // 12)), mode="constant")
    labels, _ = ndimage.label(grow(runs, 1), _EIGHT)
    long = [
        index
        for index, where in enumerate(ndimage.find_objects(labels), start=1)
        if where[1].stop - where[1].start > 0.9 * width
    ]
    lines = np.isin(labels, long) & mask
    if not lines.any():
        return mask
    # The cut through a crossing stroke is as high as the line, two pixels more for its soft edges.
    thickness = int(np.median(lines.sum(axis=0))) // max(1, len(long)) + 4
    rest = mask & ~lines
    padded = np.pad(rest, thickness)
    mended = ndimage.grey_closing(padded, (thickness, 1), mode="constant")
    return rest | (mended[thickness:-thickness, thickness:-thickness] & lines)


def _fills_its_image(labels: np.ndarray) -> bool:
    """Tell whether one component touches all four edges, as a digit does that is cut out tightly.

    So does the grid of a table.
    """
    common = np.intersect1d(labels[0], labels[-1])
    common = np.intersect1d(common, np.intersect1d(labels[:, 0], labels[:, -1]))
    return bool(common.any())


def _stands_free(labels: np.ndarray, count: int) -> bool:
    """Tell whether the largest component is of some height and touches no edge of the image."""
    if count == 0:
        return False
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    largest = 1 + int(areas.argmax())
    rows = np.flatnonzero((labels == largest).any(axis=1))
    return not touching(labels, count)[largest] and len(rows) > 0.25 * len(labels)


def touching(labels: np.ndarray, count: int) -> np.ndarray:
    """Return for each label whether it touches the image's border, bool (count + 1,)."""
    touches = np.zeros(count + 1, dtype=bool)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touches[edge] = True
    return touches


def stroke_width(mask: np.ndarray) -> float:
    """Return the typical stroke width of a mask, in pixels; 0 for an empty one."""
    inside = ndimage.distance_transform_edt(np.pad(mask, 1))
    values = inside[inside > 0]
    return 4 * float(values.mean()) - 2 if len(values) else 0.0


def thicken(mask: np.ndarray, pixels: float) -> np.ndarray:
    """Draw the strokes so much wider, half of it on either side.

    Args:
        mask: bool array with a margin that the wider strokes fit into.
        pixels: How much wider, at least 0.

    Returns:
        float32 array in [0, 1], with edges one pixel soft.
    """
    outside = ndimage.distance_transform_edt(~mask)
    return np.clip(pixels / 2 + 1 - outside, 0, 1).astype(np.float32)


def grow(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Return the mask and everything within so many pixels of it (chessboard distance)."""
    return ndimage.maximum_filter(mask, 2 * pixels + 1)
