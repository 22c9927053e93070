"""How exact are the hand-written gradients, and how is that measured?

    python -m training.experiments.from_scratch.gradient_check --data-dir DIR

Every layer of `zoo.networks.numpy_cnn` is asked for its gradients, in float32 and in float64. They
are compared with PyTorch's autograd, and with difference quotients whose step ε goes from 1e-1 to
1e-10. Too large a step and the quotient is off by its truncation (ε² for the central one, ε for
the one-sided one); too small a step and it drowns in rounding (about 1/ε times the dtype's): a V.

Rows, one a layer, tensor, dtype, method, ε and seed:

- ``layer``: "convolution", "linear", "max pooling", "ReLU", "BatchNorm", "GroupNorm", "LayerNorm",
  "softmax + cross-entropy", "whole network".
- ``tensor``: with respect to what: "input", "weight", "bias", or "all parameters".
- ``dtype``: "float32" or "float64", of layer and difference quotient.
- ``method``: "central", "one-sided" or "autograd".
- ``epsilon``: the step ε; null for autograd, which has none.
- ``seed``: of weights, input and loss.
- ``error``: ‖a − n‖ / (‖a‖ + ‖n‖), a the layer's gradient and n the other one; 0 to 1.

``best`` repeats, by layer, dtype and method, the ε with the smallest error (median over tensors and
seeds) and that error.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.cells import CellGrid
from zoo.networks.numpy_cnn import (
    BatchNorm,
    Convolution,
    GroupNorm,
    Layer,
    LayerNorm,
    Linear,
    MaxPooling,
    NumpyCNN,
    ReLU,
    softmax_cross_entropy,
)

NAME = "gradient_check"
QUESTION = "How exact are the gradients that the NumPy layers compute, and how can one know?"
SEEDS = (0, 1, 2)
EPSILONS = tuple(10.0**-k for k in range(1, 11))
DTYPES = ("float32", "float64")
Array = NDArray[Any]
Gradients = dict[str, Array]


class LayerCase:
    """A layer, an input, and a loss L = Σ w · sin(y), with random weights w.

    The sine bends: with a linear loss a linear layer's quotients would have no truncation error.

    Attributes:
        tensors: what the loss is differentiated by: the arrays themselves, changed in place.
    """

    def __init__(self, layer: Layer, shape: tuple[int, ...], dtype: str, seed: int) -> None:
        rng = np.random.default_rng((seed, 1))
        self.layer = layer
        for parameter in layer.parameters.values():  # also γ and β, which start as 1 and 0
            parameter[...] = rng.standard_normal(parameter.shape)
        self.tensors = {"input": rng.standard_normal(shape).astype(dtype), **layer.parameters}
        output = layer.forward(self.tensors["input"], training=True)
        self.weights = rng.standard_normal(output.shape).astype(dtype)

    def loss(self) -> Any:
        """Return the loss in the layer's own dtype."""
        output = self.layer.forward(self.tensors["input"], training=True)
        return (np.sin(output) * self.weights).sum()

    def gradients(self) -> Gradients:
        """Return what the layer's own backward pass says."""
        output = self.layer.forward(self.tensors["input"], training=True)
        dx = self.layer.backward(self.weights * np.cos(output))
        assert dx is not None
        return {"input": dx.copy(), **{k: v.copy() for k, v in self.layer.gradients.items()}}

    def autograd(self) -> Gradients:
        """Return what PyTorch says."""
        leaves = {name: torch.from_numpy(a.copy()) for name, a in self.tensors.items()}
        for leaf in leaves.values():
            leaf.requires_grad_()
        moved = leaves | {"input": leaves["input"].movedim(-1, 0)}  # the batch comes first there
        output = torch_output(self.layer, moved).movedim(0, -1)
        (output.sin() * torch.from_numpy(self.weights)).sum().backward()
        return {name: as_numpy(leaf.grad) for name, leaf in leaves.items()}


class LossCase:
    """Softmax and cross-entropy, differentiated by the logits."""

    def __init__(self, dtype: str, seed: int) -> None:
        rng = np.random.default_rng((seed, 1))
        self.tensors = {"input": rng.standard_normal((5, 10)).astype(dtype)}
        self.labels = rng.integers(0, 10, 5)

    def loss(self) -> Any:
        """Return the mean loss."""
        return softmax_cross_entropy(self.tensors["input"], self.labels)[0]

    def gradients(self) -> Gradients:
        """Return p − q over N."""
        return {"input": softmax_cross_entropy(self.tensors["input"], self.labels)[1]}

    def autograd(self) -> Gradients:
        """Return what PyTorch says."""
        logits = torch.from_numpy(self.tensors["input"].copy()).requires_grad_()
        functional.cross_entropy(logits, torch.from_numpy(self.labels)).backward()
        return {"input": as_numpy(logits.grad)}


class NetworkCase:
    """A small whole network with its loss, differentiated by all parameters at once."""

    def __init__(self, dtype: str, seed: int) -> None:
        rng = np.random.default_rng((seed, 1))
        self.network = NumpyCNN(size=12, channels=(2, 3), seed=seed, dtype=dtype)
        self.images = rng.standard_normal((6, 1, 12, 12)).astype(dtype)
        self.labels = rng.integers(0, 10, 6)
        self.tensors = self.network.parameters

    def loss(self) -> Any:
        """Return the mean loss of a training step."""
        return softmax_cross_entropy(self.network.forward(self.images, True), self.labels)[0]

    def gradients(self) -> Gradients:
        """Return what the network's own backward pass says."""
        _, dlogits = softmax_cross_entropy(self.network.forward(self.images, True), self.labels)
        self.network.backward(dlogits)
        return {name: array.copy() for name, array in self.network.gradients.items()}

    def autograd(self) -> Gradients:
        """Return what PyTorch says of the same network."""
        twin = self.network.to_torch().train()
        labels = torch.from_numpy(self.labels)
        functional.cross_entropy(twin(torch.from_numpy(self.images)), labels).backward()
        return {name: as_numpy(p.grad) for name, p in twin.named_parameters()}


Case = LayerCase | LossCase | NetworkCase


def make_case(layer: str, dtype: str, seed: int) -> Case:
    """Return what is checked under a name of `LAYERS`."""
    rng = np.random.default_rng(seed)
    if layer == "whole network":
        return NetworkCase(dtype, seed)
    if layer == "softmax + cross-entropy":
        return LossCase(dtype, seed)
    made: dict[str, tuple[Layer, tuple[int, ...]]] = {
        "convolution": (
            Convolution(3, 4, 3, padding=1, bias=True, rng=rng, dtype=dtype),
            (3, 6, 6, 4),
        ),
        "linear": (Linear(7, 4, rng=rng, dtype=dtype), (7, 5)),
        "max pooling": (MaxPooling(2), (3, 6, 6, 4)),
        "ReLU": (ReLU(), (3, 4, 5, 6)),
        "BatchNorm": (BatchNorm(3, dtype=dtype), (3, 4, 5, 6)),
        "GroupNorm": (GroupNorm(2, 6, dtype=dtype), (6, 3, 4, 5)),
        "LayerNorm": (LayerNorm(3, dtype=dtype), (3, 4, 5, 6)),
    }
    return LayerCase(*made[layer], dtype, seed)


LAYERS = (
    "convolution", "linear", "max pooling", "ReLU", "BatchNorm", "GroupNorm", "LayerNorm",
    "softmax + cross-entropy", "whole network",
)  # fmt: skip


def torch_output(layer: Layer, tensors: Mapping[str, Tensor]) -> Tensor:
    """Return what PyTorch computes for a layer; images are (N, C, H, W) here."""
    x, weight, bias = (tensors.get(name) for name in ("input", "weight", "bias"))
    assert x is not None
    match layer:
        case Convolution() if weight is not None:
            return functional.conv2d(x, weight, bias, layer.stride, layer.padding)
        case Linear() if weight is not None:
            return functional.linear(x, weight, bias)
        case MaxPooling():
            return functional.max_pool2d(x, layer.kernel)
        case BatchNorm():
            return functional.batch_norm(x, None, None, weight, bias, training=True, eps=layer.eps)
        case GroupNorm():  # LayerNorm is one with a single group
            return functional.group_norm(x, layer.groups, weight, bias, layer.eps)
        case ReLU():
            return functional.relu(x)
    raise TypeError(f"No counterpart is known for {type(layer).__name__}.")


def quotient(case: Case, tensor: str, epsilon: float, central: bool) -> Array:
    """Return ∂loss/∂tensor, element by element, by a difference quotient in the tensor's dtype."""
    array = case.tensors[tensor]
    found = np.empty_like(array)
    step, middle = array.dtype.type(epsilon), case.loss()
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = case.loss()
        if central:
            array[index] = kept - step
            found[index] = (above - case.loss()) / (2 * step)
        else:
            found[index] = (above - middle) / step
        array[index] = kept
    return found


def relative_error(a: Array, n: Array) -> float:
    """Return ‖a − n‖ / (‖a‖ + ‖n‖), computed in float64; 0 if both are zero."""
    a, n = a.astype(np.float64).ravel(), n.astype(np.float64).ravel()
    size = np.linalg.norm(a) + np.linalg.norm(n)
    return float(np.linalg.norm(a - n) / size) if size else 0.0


def check(key: Mapping[str, Any]) -> dict[str, Any]:
    """Measure one layer in one dtype with one seed; return its rows without these three."""
    case = make_case(key["layer"], key["dtype"], key["seed"])
    own, other = case.gradients(), case.autograd()
    together = key["layer"] == "whole network"

    def rows(method: str, epsilon: float | None, found: Gradients) -> list[dict[str, Any]]:
        names = ["all parameters"] if together else list(own)
        pairs = [(flat(own), flat(found))] if together else [(own[n], found[n]) for n in names]
        return [
            {
                "tensor": name,
                "method": method,
                "epsilon": epsilon,
                "error": relative_error(*pair),
            }
            for name, pair in zip(names, pairs, strict=True)
        ]

    made = rows("autograd", None, other)
    for method, epsilon in itertools.product(("central", "one-sided"), key["epsilons"]):
        quotients = {n: quotient(case, n, epsilon, method == "central") for n in case.tensors}
        made += rows(method, epsilon, quotients)
    return {"rows": made}


def flat(gradients: Gradients) -> Array:
    """Return all of them as one vector, in the order of their names."""
    return np.concatenate([gradients[name].ravel() for name in sorted(gradients)])


def as_numpy(tensor: Tensor | None) -> Array:
    """Return a gradient as an array."""
    assert tensor is not None
    return np.asarray(tensor.detach().numpy())


def best(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return for each layer, dtype and method the step with the smallest median error."""
    groups: dict[tuple[str, ...], dict[Any, list[float]]] = {}
    for row in rows:
        group = groups.setdefault((row["layer"], row["dtype"], row["method"]), {})
        group.setdefault(row["epsilon"], []).append(row["error"])
    found = []
    for (layer, dtype, method), errors in groups.items():
        medians = {epsilon: statistics.median(values) for epsilon, values in errors.items()}
        epsilon = min(medians, key=lambda e: medians[e])
        names = {"layer": layer, "dtype": dtype, "method": method}
        found.append(names | {"epsilon": epsilon, "error": medians[epsilon]})
    return found


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""

    def of(dtype: str, method: str) -> list[Mapping[str, Any]]:
        return [b for b in best(rows) if (b["dtype"], b["method"]) == (dtype, method)]

    def worst(dtype: str, method: str) -> float:
        return max(row["error"] for row in rows if (row["dtype"], row["method"]) == (dtype, method))

    def step(dtype: str) -> float:
        return float(statistics.median(b["epsilon"] for b in of(dtype, "central")))

    def error(dtype: str) -> float:
        return max(b["error"] for b in of(dtype, "central"))

    return (
        f"Every layer agrees with autograd to {worst('float64', 'autograd'):.0e} in float64 and "
        f"{worst('float32', 'autograd'):.0e} in float32; central differences see at best "
        f"{error('float64'):.0e} (float64, ε around {step('float64'):.0e}) and "
        f"{error('float32'):.0e} (float32, ε around {step('float32'):.0e}), and more on both "
        "sides of that ε."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, f"runs/{NAME}").parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy", "torch"))
    grid = CellGrid(options.out)
    epsilons = EPSILONS[4:5] if options.quick else EPSILONS
    keys = [
        {"layer": layer, "dtype": dtype, "seed": seed, "epsilons": list(epsilons)}
        for layer, dtype, seed in itertools.product(LAYERS, DTYPES, SEEDS)
    ]
    rows = [
        {name: key[name] for name in ("layer", "dtype", "seed")} | row
        for key, result in zip(keys, grid.all(keys, check), strict=True)
        for row in result["rows"]
    ]
    return study.conclude(
        rows,
        finding(rows),
        SEEDS,
        best=best(rows),
        limits="small made-up inputs; max pooling and ReLU have kinks, which a large ε steps over.",
        quick=options.quick,
        cell_commits=sorted(grid.commits),
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
