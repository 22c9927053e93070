"""The steps that arithmetic is made of, each with its numbers and what they come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

Place = tuple[int, ...]  # (channel, row, column) or (feature,)


def _nowhere() -> np.ndarray:
    return np.empty(0, int)


@dataclass(frozen=True, eq=False)
class Operation:
    """One step.

    Attributes:
        layer: Name of the layer that does it.
        kind: The layer's kind; see :class:`zoo.graph.layers.TracedLayer`.
        place: Where in the layer's output: (channel, row, column) or (feature,).
        source: Name of the layer that it takes its input from.
        found: The network's own value there, float32.
    """

    layer: str
    kind: str
    place: Place
    source: str
    found: float

    @property
    def value(self) -> float:
        """What the step comes to."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class WeightedSum(Operation):
    """Σ weight · input + bias: a convolution, a linear layer, a mean, an interpolation.

    Attributes:
        inputs: float array: (channels, rows, columns) of the patch, or (features,). Zero where the
            patch leaves the image. For a linear layer behind maps: those maps.
        weights: The same shape.
        bias: The shift; 0.0 where there is none.
        rows, columns: int arrays: which rows and columns of the source's maps the patch takes; −1
            for padding. Empty for features.
        first_channel: The patch's first channel among the source's maps.
    """

    inputs: np.ndarray
    weights: np.ndarray
    bias: float = 0.0
    rows: np.ndarray = field(default_factory=_nowhere)
    columns: np.ndarray = field(default_factory=_nowhere)
    first_channel: int = 0

    @cached_property
    def products(self) -> np.ndarray:
        """float64 array of the patch's shape: weight · input."""
        return self.inputs.astype(np.float64) * self.weights.astype(np.float64)

    @property
    def total(self) -> float:
        """The products' sum, without the bias."""
        return float(self.products.sum())

    @property
    def value(self) -> float:
        """The products' sum plus the bias."""
        return self.total + self.bias


@dataclass(frozen=True, eq=False)
class Normalization(Operation):
    """γ (x − μ) / √(σ² + ε) + β, with fixed numbers (Ioffe & Szegedy 2015, algorithm 2).

    Attributes:
        x: The input.
        mean, variance: μ and σ².
        eps: ε.
        gamma, beta: γ and β.
    """

    x: float
    mean: float
    variance: float
    eps: float
    gamma: float
    beta: float

    @property
    def normalized(self) -> float:
        """(x − μ) / √(σ² + ε)."""
        return (self.x - self.mean) / float(np.sqrt(self.variance + self.eps))

    @property
    def value(self) -> float:
        """γ · normalized + β."""
        return self.gamma * self.normalized + self.beta


@dataclass(frozen=True, eq=False)
class Activation(Operation):
    """f(x), such as ReLU: max(0, x).

    Attributes:
        x: The input.
        function: The function's name, ``"ReLU"`` or ``"GELU"``.
        answer: f(x), computed anew by the layer's own function.
    """

    x: float
    function: str
    answer: float

    @property
    def value(self) -> float:
        """f(x)."""
        return self.answer


@dataclass(frozen=True, eq=False)
class Maximum(Operation):
    """The largest of a window: max pooling.

    Attributes:
        inputs: float array (rows, columns); −∞ where the window leaves the map.
        winner: (row, column) of the largest in the source's map.
        rows, columns: int arrays: the source's rows and columns; −1 outside.
    """

    inputs: np.ndarray
    winner: tuple[int, int]
    rows: np.ndarray
    columns: np.ndarray

    @property
    def value(self) -> float:
        """The largest."""
        return float(self.inputs.max())


@dataclass(frozen=True, eq=False)
class Sum(Operation):
    """Two or more values added: where a residual connection joins.

    Attributes:
        terms: The values.
        sources: The layers that they come from, or ``"a constant"``.
    """

    terms: tuple[float, ...]
    sources: tuple[str, ...]

    @property
    def value(self) -> float:
        """Their sum."""
        return float(sum(self.terms))


@dataclass(frozen=True, eq=False)
class Scaling(Operation):
    """x times a factor: a constant, or what another layer gives (squeeze-and-excitation).

    Attributes:
        x: The input.
        factor: The factor.
    """

    x: float
    factor: float

    @property
    def value(self) -> float:
        """Their product."""
        return self.x * self.factor


@dataclass(frozen=True, eq=False)
class Copy(Operation):
    """A value that is only moved: concatenation, cropping, padding, space to depth.

    Attributes:
        x: The value.
        origin: Where it stood in the source: (channel, row, column), or None for padding.
    """

    x: float
    origin: Place | None

    @property
    def value(self) -> float:
        """The same."""
        return self.x


@dataclass(frozen=True, eq=False)
class Softmax(Operation):
    """e^z divided by the sum of all e^z: from logits to a probability.

    Attributes:
        logits: float32 array (K,).
        index: The class.
    """

    logits: np.ndarray
    index: int

    @cached_property
    def exponentials(self) -> np.ndarray:
        """float64 array (K,): e^(z − max z), which gives the same quotient and cannot overflow."""
        z = self.logits.astype(np.float64)
        return np.exp(z - z.max())

    @property
    def value(self) -> float:
        """The probability."""
        return float(self.exponentials[self.index] / self.exponentials.sum())
