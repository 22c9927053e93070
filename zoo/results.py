"""What a prediction returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Classification:
    """The answer of a classifier for one picture.

    Attributes:
        labels: Class names, in the order of the probabilities.
        probabilities: float32 array of shape (K,), in [0, 1], summing to 1: softmax of the logits.
        logits: float32 array of shape (K,), the network's raw outputs.
        seconds: Time of preparation and forward pass, in seconds (a batch's time is shared
            equally among its pictures).
    """

    labels: tuple[str, ...]
    probabilities: np.ndarray = field(repr=False)
    logits: np.ndarray = field(repr=False)
    seconds: float = field(repr=False)

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

    def top(self, k: int = 3) -> list[tuple[str, float]]:
        """Return the ``k`` most probable classes as (label, probability), best first."""
        order = np.argsort(-self.logits, kind="stable")[: max(k, 0)]
        return [(self.labels[i], float(self.probabilities[i])) for i in order]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, for ``python -m zoo predict --json``."""
        probabilities = [float(p) for p in self.probabilities]
        return {
            "label": self.label,
            "confidence": self.confidence,
            "probabilities": dict(zip(self.labels, probabilities, strict=True)),
            "seconds": self.seconds,
        }

    def __repr__(self) -> str:
        return f"Classification({self.label!r}, confidence={self.confidence:.4f})"
