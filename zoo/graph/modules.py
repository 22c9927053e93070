"""Somebody's ``nn.Module`` as it is used here: as a copy, in settings of our own, on arrays.

Nothing is ever run, hooked or changed but the copy, so the owner's network keeps its training
mode, its statistics, its gradients and its hooks, and other threads may use it meanwhile.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zoo.errors import ZooError

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def private_copy(network: Any, share: bool = False) -> Any:
    """Return a copy in evaluation mode, without its owner's hooks and gradients.

    A network that was made under ``torch.inference_mode`` can have gradients in its copy.

    Args:
        network: Any ``nn.Module``; of a compiled one, what was compiled.
        share: The copy's parameters take no gradient and use the original's memory, which is fast
            and must not be written to. Otherwise they are the copy's own. Buffers always are.

    Raises:
        ZooError: The network cannot be copied, or hides its layers.
    """
    network = getattr(network, "_orig_mod", network)  # what torch.compile wraps
    if isinstance(network, torch.jit.ScriptModule):
        raise ZooError("A scripted network hides its layers; hand in the module it was made from.")
    with own_settings():
        memo: dict[int, Any] = {}
        for name, module in network.named_modules():
            memo |= _stand_ins(name, module, share)
        try:
            copied = copy.deepcopy(network, memo)
        except Exception as error:  # a lock, an open file, a __deepcopy__ of its own
            raise ZooError(
                f"Only a copy of a network is ever run, and this one cannot be copied: {error}."
            ) from error
    return copied.eval()


def _stand_ins(path: str, module: nn.Module, share: bool) -> dict[int, Any]:
    """Return, by the id of a module's tensors and hooks, what the copy has in their place."""
    found: dict[int, Any] = {}
    for parameter in module._parameters.values():
        if parameter is None:
            continue
        if nn.parameter.is_lazy(parameter):
            raise ZooError(f"The layer {path!r} has no weights yet; run the network once first.")
        own = parameter.detach()
        own = own if share and not own.is_inference() else own.clone()
        needs_gradient = parameter.requires_grad and not share
        found[id(parameter)] = nn.Parameter(own, requires_grad=needs_gradient)
    others = chain(module._buffers.values(), tensors(vars(module)))
    for tensor in others:
        if tensor is not None and id(tensor) not in found:
            found[id(tensor)] = tensor.detach().clone()
    for name in _HOOKS:  # those of weight_norm and its like compute the weights: they stay
        hooks = getattr(module, name)
        own_hooks = [(key, h) for key, h in hooks.items() if _is_torchs(h)]
        found[id(hooks)] = OrderedDict(own_hooks)
    return found


def _is_torchs(hook: Any) -> bool:
    return type(hook).__module__.startswith("torch.nn.utils")


@contextmanager
def own_settings(gradients: bool = False) -> Iterator[None]:
    """Compute as if the caller had set nothing: no inference mode, autocast or default device.

    Args:
        gradients: Whether what is computed can be differentiated.
    """
    elsewhere = torch.get_default_device().type != "cpu"
    with (
        torch.device("cpu") if elsewhere else nullcontext(),
        torch.inference_mode(False),
        torch.set_grad_enabled(gradients),
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False),
    ):
        yield


def run(network: Any, inputs: np.ndarray) -> np.ndarray:
    """Return the answer to a batch, float32 on the CPU, in the mode that the network is in.

    Raises:
        ZooError: The network answers with something that holds no tensor.
    """
    with own_settings():
        return array(answer_of(network(tensor(inputs, network))))


def tensor(inputs: np.ndarray, network: Any) -> Tensor:
    """Return a network's input as a tensor of its own, on its device and in its float type."""
    x = torch.from_numpy(np.array(inputs, order="C"))
    for weights in chain(network.parameters(), network.buffers()):
        if weights.is_floating_point():
            return x.to(weights.device, weights.dtype)
    return x


def array(tensor: Tensor) -> np.ndarray:
    """Return a tensor as a float32 array of its own."""
    return tensor.detach().float().cpu().numpy().copy()


def answer_of(output: Any) -> Tensor:
    """Return the tensor that a network answers with: of several the first.

    Of a dictionary it is the entry ``"out"`` (torchvision's segmentation networks) or ``"logits"``
    (Hugging Face's), else its first.

    Raises:
        ZooError: There is none.
    """
    found = output
    if isinstance(found, Mapping) and found:
        named = [key for key in ("out", "logits") if key in found]
        found = found[named[0]] if named else next(iter(found.values()))
    while isinstance(found, tuple | list) and found:
        found = found[0]
    if isinstance(found, Tensor):
        return found
    raise ZooError(
        f"The network answers with {_described(output)}; a tensor, or a tuple, list or dictionary "
        "of tensors, can be explained."
    )


def _described(output: Any) -> str:
    inner = f" of {type(output[0]).__name__}" if isinstance(output, tuple | list) and output else ""
    return f"{type(output).__name__}{inner}"


def tensors(value: Any) -> list[Tensor]:
    """Return all tensors in nested tuples, lists and dictionaries."""
    found: list[Tensor] = []
    replaced(value, found.append)
    return found


def replaced(value: Any, change: Any, kind: type = Tensor) -> Any:
    """Return nested tuples, lists and dictionaries with all tensors (or another kind) changed."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, tuple | list):
        return tuple(replaced(v, change, kind) for v in value)
    if isinstance(value, dict):
        return {k: replaced(v, change, kind) for k, v in value.items()}
    return value
