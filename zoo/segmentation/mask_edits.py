"""What a person changes in a mask: a box to keep, strokes of a brush that erase or add.

Positions are fractions of the image's width and height, and a brush's radius is one of its longer
side: an edit made on a small copy is repeated at the photo's own size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIDE = 2048  # pixels of the longer side at which edits are drawn; then they are enlarged softly
MOST, MOST_POINTS = 300, 20_000  # edits of one mask, and points of all their strokes
_WIDEST = 0.5  # radius of a brush
_STRIP = 2**21  # pixels that are worked on at once


@dataclass(frozen=True)
class Box:
    """Keeps what lies inside and takes away the rest; of several boxes the last one counts.

    Attributes:
        left, top, right, bottom: fractions of the width and the height, in [0, 1].
    """

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Stroke:
    """A brush that was drawn over the image.

    Attributes:
        adds: whether it makes pixels object; else it takes them away.
        radius: of the brush, a fraction of the image's longer side.
        points: (x, y) as fractions of the width and the height; one point is a dab.
    """

    adds: bool
    radius: float
    points: tuple[tuple[float, float], ...]


Edit = Box | Stroke


def read(values: Any) -> tuple[Edit, ...] | None:
    """Read edits from plain JSON, as a browser sends them; None if they make no sense.

    Args:
        values: a list of ``{"kind": "box", "box": [l, t, r, b]}``, ``{"kind": "erase" | "add",
            "radius": r, "points": [[x, y], …]}`` and ``{"kind": "clear"}``, which voids what
            stands before it.

    Returns:
        The edits that are in force, in order: of several boxes the last alone.

    Example:
        >>> read([{"kind": "erase", "radius": 0.1, "points": [[0.5, 0.5]]}])
        (Stroke(adds=False, radius=0.1, points=((0.5, 0.5),)),)
        >>> read([{"kind": "erase", "radius": 9, "points": [[0.5, 0.5]]}]) is None
        True
    """
    if not isinstance(values, list) or len(values) > MOST:
        return None
    found: list[Edit] = []
    for value in values:
        if isinstance(value, Mapping) and value.get("kind") == "clear":
            found.clear()
            continue
        edit = _read(value)
        if edit is None:
            return None
        if isinstance(edit, Box):
            found = [earlier for earlier in found if not isinstance(earlier, Box)]
        found.append(edit)
    if sum(len(edit.points) for edit in found if isinstance(edit, Stroke)) > MOST_POINTS:
        return None
    return tuple(found)


def _read(value: Any) -> Edit | None:
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if kind == "box":
        box = _numbers(value.get("box"), 4)
        if box is None or box[0] >= box[2] or box[1] >= box[3]:
            return None
        return Box(*box)
    if kind not in ("erase", "add"):
        return None
    radius, points = _numbers([value.get("radius")], 1), value.get("points")
    if radius is None or not 0 < radius[0] <= _WIDEST or not isinstance(points, list):
        return None
    found = [_numbers(point, 2) for point in points[: MOST_POINTS + 1]]
    if not found or None in found:
        return None
    return Stroke(kind == "add", radius[0], tuple((p[0], p[1]) for p in found if p))


def _numbers(values: Any, count: int) -> list[float] | None:
    """Return so many numbers, each brought into [0, 1]; None if they are something else."""
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(type(v) in (int, float) and np.isfinite(v) for v in values):
        return None
    return [min(max(float(v), 0.0), 1.0) for v in values]


def apply(
    probabilities: NDArray[np.float32],
    edits: Sequence[Edit],
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the probabilities as the edits change them: 0 where they take away, 1 where they add.

    Args:
        probabilities: float32 (H, W) in [0, 1].
        edits: in the order in which they were made.
        out: where to write the answer, which may be ``probabilities``; None for a new array.

    Returns:
        float32 (H, W); without edits the same array.
    """
    if not edits:
        return probabilities
    height, width = probabilities.shape
    touched, added = _drawn(edits, width, height)
    result = np.empty_like(probabilities) if out is None else out
    for rows in _strips(height, width):
        band = (rows.start, rows.stop)
        share = _band(touched, width, height, band)
        target = _band(added, width, height, band)
        result[rows] = probabilities[rows] * (1 - share) + target
    return result


def _drawn(edits: Iterable[Edit], width: int, height: int) -> tuple[Image.Image, Image.Image]:
    """Return, as gray images, where the network's answer no longer counts and where 1 does."""
    scale = min(1.0, SIDE / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    touched, added = Image.new("L", size), Image.new("L", size)
    for edit in edits:
        if isinstance(edit, Box):
            left, top = round(edit.left * size[0]), round(edit.top * size[1])
            right, bottom = round(edit.right * size[0]), round(edit.bottom * size[1])
            box = (left, top, max(right, left + 1), max(bottom, top + 1))
            inside_touched, inside_added = touched.crop(box), added.crop(box)
            touched.paste(255, (0, 0, *size))
            added.paste(0, (0, 0, *size))
            touched.paste(inside_touched, box[:2])
            added.paste(inside_added, box[:2])
        else:
            _paint(touched, edit, 255)
            _paint(added, edit, 255 if edit.adds else 0)
    return touched, added


def _paint(image: Image.Image, stroke: Stroke, value: int) -> None:
    """Draw a stroke with round ends and joints."""
    pen = ImageDraw.Draw(image)
    width, height = image.size
    radius = max(0.5, stroke.radius * max(width, height))
    points = [(x * width, y * height) for x, y in stroke.points]
    if len(points) > 1:
        pen.line(points, fill=value, width=max(1, round(2 * radius)))
    for x, y in points:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=value)


def _strips(height: int, width: int) -> Iterable[slice]:
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def _band(
    drawn: Image.Image, width: int, height: int, rows: tuple[int, int]
) -> NDArray[np.float32]:
    """Return some rows of a drawn image at the size of the mask, float32 in [0, 1]."""
    scale = drawn.height / height
    part = drawn.resize(
        (width, rows[1] - rows[0]),
        Image.Resampling.BILINEAR,
        box=(0, rows[0] * scale, drawn.width, rows[1] * scale),
    )
    return np.asarray(part, np.float32) / np.float32(255)
