"""Entry points for ``torch.hub``: every model as a ``torch.nn.Module`` in evaluation mode.

>>> import torch                                                         # doctest: +SKIP
>>> network = torch.hub.load(".", "mnist", source="local")               # doctest: +SKIP
>>> network(torch.zeros(1, 1, 28, 28)).shape                             # doctest: +SKIP
torch.Size([1, 10])

``torch.hub.load("OWNER/REPO", "mnist")`` does the same from GitHub. The weights are verified as
always; images have to be prepared as ``config.json`` says (``zoo.load`` does that by itself).
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

dependencies = ["torch", "numpy", "safetensors"]
_CATALOG = Path(__file__).parent / "zoo" / "catalog.json"


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


def _entry_point(name: str, said: dict[str, Any]) -> functools.partial[torch.nn.Module]:
    """Return the function that torch.hub finds under a model's name."""
    entry = functools.partial(model, name)
    functools.update_wrapper(entry, model)
    entry.__doc__ = (
        f"{said['title']}: {said['task']} on {said['data']['name']}, "
        f"{said['parameters']:,} parameters. Options as for ``model``."
    )
    return entry


# One entry point a model of the catalog, without importing the zoo, and with it a network.
globals().update(
    {
        name: _entry_point(name, said)
        for name, said in json.loads(_CATALOG.read_text(encoding="utf-8"))["models"].items()
    }
)
