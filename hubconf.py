"""Entry points for ``torch.hub``: every model as a ``torch.nn.Module`` in evaluation mode.

>>> import torch                                                         # doctest: +SKIP
>>> network = torch.hub.load(".", "mnist", source="local")               # doctest: +SKIP
>>> network(torch.zeros(1, 1, 28, 28)).shape                             # doctest: +SKIP
torch.Size([1, 10])

``torch.hub.load("OWNER/REPO", "mnist")`` does the same from GitHub. The weights are verified as
always; images have to be prepared as ``config.json`` says (``zoo.load`` does that by itself).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

dependencies = ["torch", "numpy", "safetensors"]


def mnist(**options: Any) -> torch.nn.Module:
    """The digit network: (N, 1, 28, 28) → (N, 10) logits. Options as for :func:`model`."""
    return model("mnist", **options)


def cifar10(**options: Any) -> torch.nn.Module:
    """The object network: (N, 3, 32, 32) → (N, 10) logits. Options as for :func:`model`."""
    return model("cifar10", **options)


def carvana(**options: Any) -> torch.nn.Module:
    """The car network: (N, 3, H, W) → (N, 1, H, W) logits. Options as for :func:`model`."""
    return model("carvana", **options)


def model(name: str, pretrained: bool = True, **options: Any) -> torch.nn.Module:
    """Return any model of the zoo as a ``torch.nn.Module``.

    Args:
        name: one of ``zoo.list_models()``.
        pretrained: False gives the architecture with new random weights.
        options: ``device``, ``source``, ``revision``, ``timeout``, as for ``zoo.load``.
    """
    import zoo
    from zoo.networks import build

    loaded = zoo.load(name, **options)
    network = loaded.network if pretrained else build(loaded.config)
    if hasattr(network, "to_torch"):  # the NumPy network
        network = network.to_torch().to(loaded.device)
    return network.eval()
