"""Printed frames around a digit: a form's box, a table's cell, the black edge of a scan.

A frame is told from a digit by its shape. Its sides are straight, so that in a narrow band along
each side of its bounding box nearly every column (or row) holds ink; of a round 0 such a band
catches half. A side may be missing where the image ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from zoo.errors import ImageError

_EIGHT = np.ones((3, 3), dtype=bool)
_ALMOST = 0.7  # share of a band's columns that hold ink where a frame's side may be
_COVERED = 0.92  # the same once it is known where the side begins and ends
_SOFT = 2  # pixels on either side of a line that its soft edges may take
_TILT = 0.06  # depth of that band, as a share of the other side: tilts of up to 3.4° are seen
_SMALLEST = 0.3  # of the image's sides; a smaller frame is no frame around the image's digit
_DEEPEST = 0.12  # how far from the image's edge an edge line may end, as a share of the side
_SAME = 40.0  # RGB distance (of 441) up to which two places have the same colour


def without_edge_lines(pixels: np.ndarray) -> np.ndarray:
    """Cut off the lines that two or more of the image's edges consist of.

    Args:
        pixels: float32 array (H, W, channels), 0 to 255.

    Returns:
        The part (h, w, channels) inside the lines, a view; all of it if there are none.
    """
    if min(pixels.shape[:2]) < 16:
        return pixels
    step = 1 + min(pixels.shape[:2]) // 24
    common = np.median(pixels[::step, ::step].reshape(-1, pixels.shape[2]), axis=0)
    turned = (pixels, pixels[::-1], pixels.swapaxes(0, 1), pixels.swapaxes(0, 1)[::-1])
    depths = [_edge_line(view, common) for view in turned]
    if sum(depth > 0 for depth in depths) < 2:
        return pixels
    top, bottom, left, right = depths
    height, width = pixels.shape[:2]
    inside = pixels[top : height - bottom, left : width - right]
    # A digit that fills its image (a 7 of two straight strokes) leaves nothing inside.
    return inside if float(np.ptp(inside, axis=(0, 1)).max()) > _SAME else pixels


def _edge_line(pixels: np.ndarray, common: np.ndarray) -> int:
    """Return how many rows at the top are a line, two more for its soft edge; 0 for no line."""
    edge = np.median(pixels[0], axis=0)
    if _distance(edge, common) < _SAME or not _uniform(pixels[0], edge):
        return 0
    for row in range(1, max(4, round(_DEEPEST * len(pixels)))):
        if _distance(np.median(pixels[row], axis=0), edge) > _SAME:
            return row + 2
    return 0


def _distance(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.sqrt(np.square(one - two).sum() * (3 / len(one))))


def _uniform(row: np.ndarray, color: np.ndarray) -> bool:
    """Tell whether nearly all pixels (W, channels) have nearly that colour."""
    away = np.square(row - color).sum(axis=1) * (3 / row.shape[1])
    return float((away < _SAME**2).mean()) > 0.9


@dataclass(frozen=True)
class _Side:
    """One side of a frame, seen as if it were the upper one.

    Its outer edge is at row ``offset + slope · column`` of the box that it was looked for in.
    """

    offset: float
    slope: float
    thickness: float


Box = tuple[slice, slice]  # rows, columns
Sides = tuple[_Side | None, _Side | None, _Side | None, _Side | None]  # top, bottom, left, right


def without_boxes(mask: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Remove the frames around a digit, and what lies outside of them; strokes may cross them.

    Args:
        mask: bool array (H, W) of ink.
        labels: int array (H, W), the number of each pixel's connected component, 0 for paper.

    Returns:
        bool array (H, W); the mask itself if there is no frame, or nothing like a digit in it.

    Raises:
        ImageError: A frame holds nothing at all.
    """
    for _ in range(3):  # a frame may be double
        inner = _open_one(mask, labels)
        if inner is None:
            break
        mask = inner
        labels, _ = ndimage.label(mask, _EIGHT)
    return mask


def _open_one(mask: np.ndarray, labels: np.ndarray) -> np.ndarray | None:
    """Return what a frame holds, or None if there is no frame with something in it."""
    for index, window in enumerate(ndimage.find_objects(labels), start=1):
        if not all(
            part.stop - part.start >= max(12, _SMALLEST * side)
            for part, side in zip(window, mask.shape, strict=True)
        ):
            continue
        box = _lines_box(labels[window] == index, window, mask.shape)
        if box is None:
            continue
        sides = _sides(labels[box] == index, box, mask.shape)
        if sides is None:
            continue
        inner = _contents(mask, box, sides)
        rows = np.flatnonzero(inner.any(axis=1))
        if len(rows) == 0 and all(sides) and not _narrow(box):
            raise ImageError("There is a frame, but no digit in it: write one and try again.")
        if len(rows) and rows[-1] - rows[0] > 0.25 * (box[0].stop - box[0].start):
            return inner
    return None


def _narrow(box: Box) -> bool:
    """Tell whether a frame is as narrow as a 0 of straight strokes may be."""
    height, width = (part.stop - part.start for part in box)
    return width < 0.75 * height


def _lines_box(component: np.ndarray, window: Box, shape: tuple[int, ...]) -> Box | None:
    """Return the box between a component's outermost bands that are full of ink, or None.

    A quick look, which most digits do not pass. Where there is no such band the box may end with
    the image only.
    """
    parts = []
    for axis in (0, 1):
        view = component.T if axis else component
        depth = _band(view)
        count = len(view) // depth
        if count < 3:
            return None
        blocks = view[: count * depth].reshape(count, depth, view.shape[1])
        bands = np.asarray(blocks.any(axis=1))
        bands[-1] |= view[count * depth :].any(axis=0)
        # A tilted line may lie in two neighbouring bands.
        full = np.flatnonzero((bands[:-1] | bands[1:]).mean(axis=1) > _ALMOST)
        if len(full) == 0:
            return None
        first, last = int(full[0]) * depth, (int(full[-1]) + 2) * depth
        last = len(view) if full[-1] == count - 2 else last
        start = window[axis].start
        if full[0] > 0.4 * count:
            first = 0 if start == 0 else -1
        if full[-1] + 2 < 0.6 * count:
            last = len(view) if start + len(view) == shape[axis] else -1
        if first < 0 or last < 0:
            return None
        parts.append(slice(start + first, start + last))
    return parts[0], parts[1]


def _band(view: np.ndarray) -> int:
    """Return how many rows a side may take that is as wide as the view and a little tilted."""
    return 3 + round(_TILT * view.shape[1])


def _sides(component: np.ndarray, box: Box, shape: tuple[int, ...]) -> Sides | None:
    """Return the straight sides of a frame, None for one beyond the image's edge.

    Returns:
        Four sides; None if this is no frame, which has four sides, or two that meet at a corner
        while the others are outside of the image.
    """
    views = [_turned(component, number) for number in range(4)]
    firsts = [_first_ink(view) for view in views]
    margins = [_typical(first[first >= 0]) for first in firsts]
    found: list[_Side | None] = []
    for number, (view, first) in enumerate(zip(views, firsts, strict=True)):
        # The columns between the two neighbouring sides: a stroke may reach beyond them.
        low, high = margins[2:] if number < 2 else margins[:2]
        found.append(_side(view, first, low, view.shape[1] - high))
    beyond = [
        box[0].start == 0, box[0].stop == shape[0], box[1].start == 0, box[1].stop == shape[1]
    ]  # fmt: skip
    if not all(side or cut for side, cut in zip(found, beyond, strict=True)):
        return None
    top, bottom, left, right = found
    return (top, bottom, left, right) if (top or bottom) and (left or right) else None


def _typical(firsts: np.ndarray) -> int:
    """Return how far from the edge a side is; strokes that cross it reach nearer to the edge."""
    return int(np.quantile(firsts, 0.8)) if len(firsts) else 0


def _turned(array: np.ndarray, number: int) -> np.ndarray:
    """Return a view in which the side of that number (top, bottom, left, right) is at the top."""
    view = array.T if number > 1 else array
    return view[::-1] if number % 2 else view


def _first_ink(view: np.ndarray) -> np.ndarray:
    """Return for every column the first row with ink in the upper bands, −1 for none."""
    bands = view[: 2 * _band(view) + 2]
    first = bands.argmax(axis=0)
    return np.where(bands[first, np.arange(bands.shape[1])], first, -1)


def _side(view: np.ndarray, first: np.ndarray, low: int, high: int) -> _Side | None:
    """Return the straight upper side of a view of a component, or None.

    Args:
        view: bool (H, W).
        first: the first row with ink in every column, −1 where the upper bands have none.
        low: the first column to look at.
        high: the last one, exclusive.
    """
    line = _line(first, low, high)
    if line is None:
        return None
    offset, slope = line
    columns = np.arange(low, high)
    rows = np.rint(offset + slope * columns).astype(int)
    near = np.clip(rows[:, None] + np.arange(-_SOFT, _SOFT + 1), 0, len(view) - 1)
    if view[near, columns[:, None]].any(axis=1).mean() < _COVERED:
        return None  # not straight
    rows = np.clip(rows + 1, 0, len(view) - 1)  # surely in the line, be it ever so thin
    below = rows[:, None] + np.arange(max(4, len(view) // 4))
    ink = view[np.minimum(below, len(view) - 1), columns[:, None]]
    runs = np.where(ink.all(axis=1), ink.shape[1], ink.argmin(axis=1))
    thickness = 1 + float(np.median(runs))
    return _Side(offset, slope, thickness) if thickness < 0.15 * len(view) else None


def _line(first: np.ndarray, low: int, high: int) -> tuple[float, float] | None:
    """Return offset and slope of the straight line on which most of the first ink lies, or None.

    Strokes that cross the side, even at its corner, are outliers: the line is the best of those
    through two of eight places (in the manner of RANSAC, Fischler & Bolles 1981).
    """
    if high - low < 16:
        return None
    columns = low + np.flatnonzero(first[low:high] >= 0)
    rows = first[columns]
    places = []
    for block in np.array_split(np.arange(low, high), 8):
        mine = block[first[block] >= 0]
        if len(mine) >= len(block) / 2:
            places.append((float(mine.mean()), float(np.median(first[mine]))))
    best, most = None, 0.5 * (high - low)
    for index, (x1, y1) in enumerate(places):
        for x2, y2 in places[index + 1 :]:
            slope = (y2 - y1) / (x2 - x1)
            offset = y1 - slope * x1
            agreeing = (np.abs(rows - offset - slope * columns) < _SOFT).sum()
            if agreeing > most and abs(slope) < 1.5 * _TILT:
                best, most = (offset, slope), agreeing
    return best


def _contents(mask: np.ndarray, box: Box, sides: Sides) -> np.ndarray:
    """Return the ink whose larger part is in a frame, bool (H, W).

    The frame's lines are cut out, and the strokes that cross them are mended.
    """
    inside = np.zeros_like(mask)
    inside[box] = True
    lines, mended = np.zeros_like(mask), np.zeros_like(mask)
    for number, side in enumerate(sides):
        if side is None:
            continue
        along, across = box[::-1] if number > 1 else box
        view = _turned(inside, number)
        length = len(view)
        begin = length - along.stop if number % 2 else along.start
        x = np.arange(view.shape[1])
        depth = np.arange(length)[:, None] - (begin + side.offset + side.slope * (x - across.start))
        view &= depth >= side.thickness + _SOFT
        line = (depth >= -_SOFT) & (depth < side.thickness + _SOFT)
        _turned(lines, number)[...] |= line
        gap = round(side.thickness) + 2 * _SOFT + 1
        ink = np.pad(_turned(mask, number) & ~line, ((gap, gap), (0, 0)))
        closed = ndimage.grey_closing(ink, (gap + 1, 1), mode="constant")
        _turned(mended, number)[...] |= closed[gap:-gap] & line
    rest = (mask & ~lines) | (mended & mask)
    labels, count = ndimage.label(rest, _EIGHT)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    within = np.bincount(labels[inside], minlength=count + 1)
    keep = within > 0.5 * areas
    keep[0] = False
    return keep[labels]
