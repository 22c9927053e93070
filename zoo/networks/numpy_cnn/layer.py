"""What all layers have in common: parameters, gradients, buffers and reusable memory."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating]
T = TypeVar("T")


class Layer:
    """A differentiable function y = f(x; parameters).

    Attributes:
        parameters: name → array that the optimizer changes, in place.
        gradients: name → ∂L/∂parameter, written by `backward`; the same names and shapes.
        buffers: name → array that is part of the state but is not trained (running statistics).
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.buffers: dict[str, NDArray] = {}
        self._workspace: dict[str, NDArray] = {}

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute y. With ``training`` what `backward` needs is kept."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array | None:
        """Return dx = ∂L/∂x for dy = ∂L/∂y; ``dy`` may be overwritten.

        Raises:
            RuntimeError: if no ``forward(x, training=True)`` came before.
        """
        raise NotImplementedError

    def _memory(self, name: str, shape: tuple[int, ...], dtype: DTypeLike, keep: bool) -> NDArray:
        """Return an array to write into; with ``keep`` the one of the last step is used again.

        A new array of several MB costs a page fault for every 4 KiB when it is first written: with
        new arrays a training step took 4 to 20 % longer (three runs on two cores). It therefore
        reuses those of the last step.
        Inference does not (keep=False): several threads may share one network there.
        """
        if not keep:
            return np.empty(shape, dtype)
        array = self._workspace.get(name)
        if array is None or array.shape != shape or array.dtype != dtype:
            array = self._workspace[name] = np.empty(shape, dtype)
        return array

    def release(self) -> None:
        """Free the memory kept for training (it is allocated again when needed)."""
        self._workspace.clear()


def require_forward(value: T | None) -> T:
    """Return what a `forward` in training mode kept for `backward`.

    Raises:
        RuntimeError: if there was no such `forward`.
    """
    if value is None:
        raise RuntimeError("backward needs forward(x, training=True) first.")
    return value
