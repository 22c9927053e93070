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
                last = direction.movedim(1, -1)  # of a kernel laid channels last this is no copy …
                flat = last.reshape(len(last), -1)  # … and the order of the columns is free
                update = orthogonalize(flat, group["steps"]).reshape(last.shape).movedim(-1, 1)
                weight.mul_(len(weight) ** 0.5 / weight.norm())
                weight.add_(update, alpha=-group["lr"])


def orthogonalize(matrix: Tensor, steps: int = 3) -> Tensor:
    """Return a matrix with the singular vectors of ``matrix`` and singular values near 1.

    The quintic Newton–Schulz iteration X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X with the blog post's
    coefficients: a is as large as possible, to lift small singular values quickly, at the price
    that the values end between about 0.7 and 1.2 instead of at 1, which does no harm.

    With S = X Xᵀ and Q = a I + b S + c S², an iteration is X ← Q X, and the next S is Q S Q: so all
    but the first and the last product are of small square matrices, and X is multiplied once, by
    the product of all Q. That needs float32: rounding in S is not corrected by the next X, and in
    bfloat16 a matrix of nearly low rank ends with values of 3 to 10 after five iterations. For
    (256, 2304) and three iterations, one thread of a Xeon: 9 ms of processor time instead of 19.

    Args:
        matrix: float (rows, columns).
        steps: iterations; five bring all but the smallest values to that range, three suffice here.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.float().T if tall else matrix.float()  # X Xᵀ is smaller for a wide matrix
    x = x / (x.norm() + 1e-7)  # the iteration converges for singular values up to 1
    square = x @ x.T
    product = torch.eye(len(x), device=x.device)
    for _ in range(steps):
        factor = torch.addmm(square, square, square, beta=b, alpha=c)
        factor.diagonal().add_(a)
        product = factor @ product
        square = factor @ square @ factor
    x = product @ x
    return (x.T if tall else x).to(matrix.dtype)
