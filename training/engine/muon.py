"""Muon: momentum whose step for each weight matrix is made orthogonal.

K. Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks",
https://kellerjordan.github.io/posts/muon/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalized; the weights are kept at one length.

    For a weight W, (out, …), flattened to a matrix, and its gradient G:

        M ← μ M + G
        W ← √out · W / ‖W‖
        W ← W − η · orthogonal(G + μ M)

    Fixing the length makes η the relative change a step, and replaces weight decay: with a
    BatchNorm behind each convolution, the length of W does not change the network's output.

    Args:
        parameters: convolution kernels or matrices.
        lr: η, the relative change a step.
        momentum: μ.
        steps: Newton–Schulz iterations.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, momentum: float, steps: int = 3
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "steps": steps})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step along the gradients in ``parameter.grad``."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(weight)
                momentum = state["momentum_buffer"].mul_(group["momentum"]).add_(weight.grad)
                direction = weight.grad.add(momentum, alpha=group["momentum"])
                flat = direction.reshape(len(direction), -1)
                update = orthogonalize(flat, group["steps"]).reshape(weight.shape)
                weight.mul_(len(weight) ** 0.5 / weight.norm())
                weight.add_(update, alpha=-group["lr"])


def orthogonalize(matrix: Tensor, steps: int = 3) -> Tensor:
    """Return a matrix with the singular vectors of ``matrix`` and singular values near 1.

    The quintic Newton–Schulz iteration X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X with the blog post's
    coefficients: a is as large as possible, to lift small singular values quickly, at the price
    that the values end between about 0.7 and 1.2 instead of at 1, which does no harm. It needs
    matrix products only, in bfloat16 on a GPU.

    Args:
        matrix: float (rows, columns).
        steps: iterations; five bring all but the smallest values to that range, three suffice here.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix.bfloat16() if matrix.is_cuda else matrix.float()
    tall = x.shape[0] > x.shape[1]
    if tall:  # X Xᵀ is smaller for a wide matrix
        x = x.T
    x = x / (x.norm() + 1e-7)  # the iteration converges for singular values up to 1
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)
