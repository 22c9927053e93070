"""One layer of a trace, run again on other values or differentiated."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from zoo.errors import ZooError
from zoo.graph.layers import Call, Source
from zoo.graph.modules import array, own_settings, private_copy, replaced, tensors


def apply(call: Call, values: np.ndarray) -> np.ndarray:
    """Run a layer that has one input on other values, without the batch axis."""
    with own_settings():
        return array(_again(call, torch.from_numpy(values)[None])[0])


def weights_of(call: Call, source: np.ndarray, place: tuple[int, ...]) -> tuple[np.ndarray, bool]:
    """Return the gradient of one value of a layer, and whether the layer is linear there.

    Args:
        call: A layer with one input.
        source: That input, without the batch axis.
        place: The value's place in the output.
    """
    with own_settings(gradients=True):
        x = torch.from_numpy(source)[None].double().requires_grad_()
        value = _again(call, x.clone())[(0, *place)]
        if not value.requires_grad:  # it takes its input's type alone (``x.new_zeros``)
            return np.zeros_like(source), value.item() == 0
        (gradient,) = torch.autograd.grad(value, x)
        rest = value - (gradient * x).sum()
    return array(gradient[0]), bool(rest.abs() <= 1e-6 * (1 + value.abs()))


def _again(call: Call, x: Tensor) -> Tensor:
    """Call the layer's function, in the float type of x and on the CPU.

    Raises:
        ZooError: It does not work with these values alone.
    """

    def placed(tensor: Tensor) -> Tensor:
        own = tensor.detach().cpu()
        return own.to(x.dtype) if own.is_floating_point() else own

    arguments, options = (replaced(v, placed) for v in (call.arguments, dict(call.options)))
    arguments, options = (replaced(v, lambda _: x, Source) for v in (arguments, options))
    function = call.function
    if isinstance(function, nn.Module):
        function = private_copy(function).to("cpu", x.dtype)
        if isinstance(getattr(function, "inplace", None), bool):
            setattr(function, "inplace", False)  # noqa: B010, mypy takes it for a tensor
    try:
        return tensors(function(*arguments, **options))[call.part]
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise ZooError(f"{call.layer.name} ({call.layer.operation}) cannot run alone.") from error
