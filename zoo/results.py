"""What a prediction returns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from zoo.segmentation import components, masks


@dataclass(frozen=True, eq=False)
class Classification:
    """The answer of a classifier for one image.

    Attributes:
        labels: Class names, in the order of the probabilities.
        probabilities: float32 array of shape (K,), in [0, 1], summing to 1: softmax of the logits.
        logits: float32 array of shape (K,), the network's raw outputs.
        seconds: Time of preparation and forward pass, in seconds (a batch's time is shared
            equally among its images).
        ood_threshold: The confidence below which the image may show none of the classes,
            in [0, 1]; None if the model has no such threshold.
    """

    labels: tuple[str, ...]
    probabilities: np.ndarray = field(repr=False)
    logits: np.ndarray = field(repr=False)
    seconds: float = field(repr=False)
    ood_threshold: float | None = field(default=None, repr=False)

    @property
    def index(self) -> int:
        """Index of the most probable class."""
        return int(np.argmax(self.logits))

    @property
    def label(self) -> str:
        """Name of the most probable class."""
        return self.labels[self.index]

    @property
    def confidence(self) -> float:
        """Probability of the most probable class, in [0, 1]."""
        return float(self.probabilities[self.index])

    @property
    def is_ood(self) -> bool:
        """Whether the image may show none of the classes; False if the model cannot tell.

        How often that is a false alarm, and how often it is missed, is in the model's record under
        ``ood``.
        """
        return self.ood_threshold is not None and self.confidence < self.ood_threshold

    def top(self, k: int = 3) -> list[tuple[str, float]]:
        """Return the ``k`` most probable classes as (label, probability), best first."""
        order = np.argsort(-self.logits, kind="stable")[: max(k, 0)]
        return [(self.labels[i], float(self.probabilities[i])) for i in order]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, for ``python -m zoo predict --json`` and the API."""
        probabilities = [float(p) for p in self.probabilities]
        answer = {
            "label": self.label,
            "confidence": self.confidence,
            "probabilities": dict(zip(self.labels, probabilities, strict=True)),
            "seconds": self.seconds,
        }
        return answer if self.ood_threshold is None else answer | {"is_ood": self.is_ood}

    def in_words(self) -> str:
        """Say the three best labels; ``python -m zoo predict`` does."""
        best = ", ".join(f"{label} {p:.1%}" for label, p in self.top(3))
        return f"{best} (may be none of its classes)" if self.is_ood else best

    def __repr__(self) -> str:
        return f"Classification({self.label!r}, confidence={self.confidence:.4f})"


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The answer of a segmentation network for one image: which pixels show the object.

    Attributes:
        label: What was looked for, such as ``"car"``.
        probabilities: float32 array (H, W) in [0, 1], at the image's own size: how probable it
            is that the pixel belongs to the object.
        low_res_probabilities: float32 array (h, w) in [0, 1]: the network's own answer, at the size
            it works at;
            without specks and pinholes of which it is nowhere sure, see
            :func:`zoo.segmentation.components.hysteresis_threshold`.
        threshold: The probability from which a pixel counts as object; chosen on validation
            images.
        seconds: Time of preparation, forward pass and scaling up, in seconds.
        min_area: The smallest share of the image that counts as an object found, in [0, 1].
        min_confidence: The least `confidence` of an object found, in [0, 1].
    """

    label: str
    probabilities: np.ndarray = field(repr=False)
    low_res_probabilities: np.ndarray = field(repr=False)
    threshold: float
    seconds: float = field(repr=False)
    min_area: float = field(default=0.005, repr=False)
    min_confidence: float = field(default=0.0, repr=False)

    @property
    def mask(self) -> np.ndarray:
        """The object, bool (H, W), at the model's own threshold."""
        return self.mask_at(self.threshold)

    def mask_at(self, threshold: float) -> np.ndarray:
        """Return the object at another threshold, bool (H, W); the network does not run again.

        Args:
            threshold: A probability; pixels of at least this one belong to the mask.
        """
        return self.probabilities >= threshold

    @property
    def components(self) -> int:
        """How many connected components the network's own answer has, at its own threshold."""
        return components.count(self.low_res_probabilities, self.threshold)

    def largest_component(self) -> Segmentation:
        """Return the answer without all components but the largest, at the model's own threshold.

        Whatever lies nearer to another one gets probability 0. An answer of one component, or of
        none, stays as it is.
        """
        other = components.others(self.low_res_probabilities, self.threshold)
        return replace(
            self,
            probabilities=components.without(self.probabilities, other),
            low_res_probabilities=components.without(self.low_res_probabilities, other),
        )

    @property
    def area(self) -> float:
        """Share of the image that the object covers, in [0, 1]."""
        return float(np.count_nonzero(self.mask)) / self.probabilities.size

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """The smallest box around the mask: left, top, right, bottom in pixels of the image.

        Right and bottom are the first that lie outside, as in ``PIL.Image.crop``. None if nothing
        is found.
        """
        mask = self.mask
        columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        if not self.found or not len(rows):
            return None
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    @property
    def uncertain_area(self) -> float:
        """Share of the image where the network is unsure, in [0, 1].

        See :func:`zoo.segmentation.masks.uncertain`.
        """
        return masks.area_fraction(masks.uncertain(self.probabilities))

    @property
    def confidence(self) -> float:
        """Mean probability of the pixels that the network itself calls object, in [0, 1].

        Of its own answer at its own threshold; 0 if there are none. Where a network takes something
        else for an object it is seldom sure of all of it.
        """
        own = self.low_res_probabilities
        pixels = own[own >= self.threshold]
        return float(pixels.mean()) if pixels.size else 0.0

    @property
    def found(self) -> bool:
        """Whether there is an object at the model's own threshold, see `found_at`."""
        return self.found_at(self.threshold)

    def found_at(self, threshold: float) -> bool:
        """Return whether the mask at a threshold is an object.

        It is one if the mask is not just a few stray pixels and the network is as sure of its own
        answer as it is of objects: at least `min_area` and `min_confidence`.
        """
        large = masks.area_fraction(self.mask_at(threshold)) >= self.min_area
        return large and self.confidence >= self.min_confidence

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, for ``python -m zoo predict --json`` and the API."""
        height, width = self.probabilities.shape
        return {
            "label": self.label,
            "found": self.found,
            "area": self.area,
            "confidence": self.confidence,
            "uncertain_area": self.uncertain_area,
            "box": None if (box := self.box) is None else list(box),
            "threshold": self.threshold,
            "width": width,
            "height": height,
            "seconds": self.seconds,
        }

    def in_words(self) -> str:
        """Say how much of the image the object covers; ``python -m zoo predict`` does."""
        if not self.found:
            return f"no {self.label} found"
        return f"{self.label} on {self.area:.1%} of the image"

    def __repr__(self) -> str:
        return f"Segmentation({self.label!r}, area={self.area:.4f}, found={self.found})"
