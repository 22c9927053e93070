"""Gradient descent: SGD with Nesterov momentum, and Adam, by PyTorch's conventions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from zoo.networks.numpy_cnn.layer import Array


class Optimizer:
    """Changes parameters in place along their gradients.

    Args:
        parameters: name → array; ``step`` takes gradients by the same names.
        weight_decay: λ. λ·w is added to the gradient of every weight w (L2 penalty), but not to
            biases, γ and β (arrays of one axis): decaying those only hurts (He et al. 2019,
            "Bag of tricks", section 3.1).
    """

    def __init__(self, parameters: Mapping[str, Array], weight_decay: float = 0.0) -> None:
        self.parameters = dict(parameters)
        self.weight_decay = weight_decay
        self.steps = 0
        self.state: dict[str, Array] = {}

    def step(self, gradients: Mapping[str, Array], learning_rate: float) -> None:
        """Make one update with learning rate η.

        Raises:
            KeyError: if a parameter has no gradient.
        """
        self.steps += 1
        for name, w in self.parameters.items():
            g = gradients[name]
            if self.weight_decay and w.ndim > 1:
                g = g + self.weight_decay * w
            self._update(name, w, g, learning_rate)

    def state_dict(self) -> dict[str, NDArray]:
        """Return everything a checkpoint needs, as arrays."""
        return {"steps": np.array(self.steps), **self.state}

    def load_state_dict(self, state: Mapping[str, NDArray]) -> None:
        """Continue from what `state_dict` returned."""
        self.steps = int(state["steps"])
        self.state = {name: array.copy() for name, array in state.items() if name != "steps"}

    def _update(self, name: str, w: Array, g: Array, learning_rate: float) -> None:
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent with momentum μ.

    v ← μ v + g, then w ← w − η (g + μ v) with Nesterov's momentum, or w ← w − η v without
    (Sutskever et al. 2013, in the form that ``torch.optim.SGD`` documents). v starts as g.
    """

    def __init__(
        self,
        parameters: Mapping[str, Array],
        *,
        momentum: float = 0.9,
        nesterov: bool = True,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, weight_decay)
        self.momentum, self.nesterov = momentum, nesterov

    def _update(self, name: str, w: Array, g: Array, learning_rate: float) -> None:
        key = f"velocity.{name}"
        if key not in self.state:
            self.state[key] = np.zeros_like(w)
        v = self.state[key]
        v *= self.momentum
        v += g
        w -= learning_rate * (g + self.momentum * v if self.nesterov else v)


class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, Algorithm 1).

    m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,
    w ← w − η · m̂ / (√v̂ + ε)  with  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ).
    """

    def __init__(
        self,
        parameters: Mapping[str, Array],
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, weight_decay)
        self.betas, self.eps = betas, eps

    def _update(self, name: str, w: Array, g: Array, learning_rate: float) -> None:
        first, second = f"first_moment.{name}", f"second_moment.{name}"
        if first not in self.state:
            self.state[first], self.state[second] = np.zeros_like(w), np.zeros_like(w)
        m, v = self.state[first], self.state[second]
        beta1, beta2 = self.betas
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * g * g
        m_hat = m / (1 - beta1**self.steps)
        v_hat = v / (1 - beta2**self.steps)
        w -= learning_rate * m_hat / (np.sqrt(v_hat) + self.eps)
