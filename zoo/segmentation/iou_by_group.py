"""How a metric spreads over the cars and the angles that a test set's images show.

Carvana names its images ``<car>_<angle>``: ``0cdf5b5d0ce1_01`` is a car's first of 16 views, one
every 22.5° around it. A mean over all images hides which cars, and which views, are hard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class View:
    """One image of a test set.

    Attributes:
        car: The car's number, 12 hexadecimal digits.
        angle: 1 to 16.
        iou: IoU of the predicted with the true mask, in [0, 1].
    """

    car: str
    angle: int
    iou: float

    @property
    def dice(self) -> float:
        """The Dice coefficient, which follows from the IoU: 2 J / (1 + J)."""
        return 2 * self.iou / (1 + self.iou)


@dataclass(frozen=True)
class Group:
    """The images of one car, or of one angle.

    Attributes:
        name: The car's number or the angle.
        n: Number of images.
        mean: Mean IoU.
        standard deviation: Standard standard deviation of the IoU (n − 1), NaN for a single image.
        worst: The image with the lowest IoU.
    """

    name: str
    n: int
    mean: float
    std: float
    worst: View


def views(images: Mapping[str, float]) -> list[View]:
    """Return the images of a record, sorted by car and angle.

    Args:
        images: IoU by name, ``record["metrics"]["test"]["images"]``. Names that are not
            Carvana's are left out.

    Example:
        >>> views({"0cdf5b5d0ce1_02": 0.98})
        [View(car='0cdf5b5d0ce1', angle=2, iou=0.98)]
    """
    found = []
    for name, iou in images.items():
        car, _, angle = name.rpartition("_")
        if car and angle.isdecimal():
            found.append(View(car, int(angle), float(iou)))
    return sorted(found, key=lambda view: (view.car, view.angle))


def by_car(seen: Iterable[View]) -> list[Group]:
    """Group images by car, the car with the lowest mean first."""
    return _groups(seen, lambda view: view.car)


def by_angle(seen: Iterable[View]) -> list[Group]:
    """Group images by angle, the angle with the lowest mean first."""
    return _groups(seen, lambda view: str(view.angle))


def _groups(seen: Iterable[View], key: Callable[[View], str]) -> list[Group]:
    members: dict[str, list[View]] = {}
    for view in seen:
        members.setdefault(key(view), []).append(view)
    groups = []
    for name, group in members.items():
        scores = np.array([view.iou for view in group])
        std = float(scores.std(ddof=1)) if len(scores) > 1 else float("nan")
        worst = min(group, key=lambda view: view.iou)
        groups.append(Group(name, len(group), float(scores.mean()), std, worst))
    return sorted(groups, key=lambda group: group.mean)


def worst(seen: Iterable[View], count: int = 5) -> list[View]:
    """Return the images with the lowest IoU, the lowest first."""
    return sorted(seen, key=lambda view: view.iou)[:count]
