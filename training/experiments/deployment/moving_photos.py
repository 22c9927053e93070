"""A video of a photo: a window that moves over it and zooms, so that its motion is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import map_coordinates

FRAME = (342, 512)  # height and width of a frame
SHOWN = 0.62  # the part of the photo's width that the window shows, in the mean
SPEEDS = {"slow": 2.0, "fast": 8.0}  # pixels of the frame that the window moves in one frame
Box = tuple[float, float, float, float]  # left, top, right, bottom on the photo


@dataclass(frozen=True)
class Video:
    """A window's path over a photo.

    Attributes:
        photo: RGB.
        boxes: what each frame shows.
    """

    photo: Image.Image
    boxes: Sequence[Box]

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Return a frame, uint8 (H, W, 3)."""
        size = (FRAME[1], FRAME[0])
        resized = self.photo.resize(size, Image.Resampling.BILINEAR, self.boxes[number])
        return np.asarray(resized)

    def carried(self, mask: NDArray[np.bool_], start: int, stop: int) -> NDArray[np.float32]:
        """Return a frame's mask as it lies in another frame: 0 and 1, NaN where it did not see."""
        old, new = self.boxes[start], self.boxes[stop]
        rows = _places(FRAME[0], (old[1], old[3]), (new[1], new[3]))
        columns = _places(FRAME[1], (old[0], old[2]), (new[0], new[2]))
        grid = np.meshgrid(rows, columns, indexing="ij")
        moved = map_coordinates(mask.astype(np.float32), grid, order=0, cval=np.nan)
        return np.asarray(moved, np.float32)


def _places(length: int, old: tuple[float, float], new: tuple[float, float]) -> NDArray[np.float64]:
    """Return where the pixels of the new frame lie in the old one, along one axis."""
    on_photo = new[0] + (np.arange(length) + 0.5) / length * (new[1] - new[0])
    return (on_photo - old[0]) / (old[1] - old[0]) * length - 0.5


def record(photo: Image.Image, frames: int, pixels: float, seed: int) -> Video:
    """Let a window wander over a photo along smooth curves.

    Args:
        photo: RGB.
        frames: how many.
        pixels: by how many pixels of the frame it moves from one to the next, in the mean.
        seed: of the path.
    """
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, 400 * frames)
    turns = rng.uniform(0, 2 * np.pi, (2, 3))
    curves = [
        sum(np.sin(2 * np.pi * (k + 1) * time * 2 + turn[k]) / (k + 1) for k in range(3))
        for turn in turns
    ]
    zoom = 1 + 0.12 * np.sin(2 * np.pi * time + rng.uniform(0, 2 * np.pi))
    aspect = FRAME[0] / FRAME[1]
    width = SHOWN * min(photo.width, photo.height / aspect) * zoom
    ways = [curve / np.abs(curve).max() for curve in curves]
    left = (photo.width - width) * (0.5 + 0.5 * ways[0])
    top = (photo.height - width * aspect) * (0.5 + 0.5 * ways[1])
    # Walk along the curve so that each frame is as far from the last one as it shall be.
    steps = np.hypot(np.diff(left), np.diff(top)) / width[1:] * FRAME[1]
    way = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.mod(np.arange(frames) * pixels, 2 * way[-1])
    wanted = np.minimum(wanted, 2 * way[-1] - wanted)  # at its end it turns around
    chosen = np.searchsorted(way, wanted).clip(0, len(time) - 1)
    boxes = [
        (left[i], top[i], left[i] + width[i], top[i] + width[i] * aspect) for i in chosen.tolist()
    ]
    return Video(photo, boxes)
