"""Entry points for ``torch.hub``: every model as a ``torch.nn.Module`` in evaluation mode.

>>> import torch                                                         # doctest: +SKIP
>>> network = torch.hub.load(".", "mnist", source="local")               # doctest: +SKIP
>>> network(torch.zeros(1, 1, 28, 28)).shape                             # doctest: +SKIP
torch.Size([1, 10])

``torch.hub.load("OWNER/REPO", "mnist")`` does the same from GitHub. Every model of the catalog has
an entry point of its name; options as for :func:`model`. The weights are verified as always; images
have to be prepared as ``config.json`` says (``zoo.load`` does that by itself).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

dependencies = ["torch", "numpy", "safetensors"]

_HERE = Path(__file__).resolve().parent
_ours: dict[str, ModuleType] = {}  # our modules between calls, where another zoo has their names


def model(name: str, pretrained: bool = True, **options: Any) -> torch.nn.Module:
    """Return any model of the zoo as a ``torch.nn.Module``.

    Args:
        name: one of ``zoo.list_models()``.
        pretrained: False gives the architecture with new random weights.
        options: ``device``, ``source``, ``revision``, ``timeout``, as for ``zoo.load``.
    """
    with _our_zoo():
        import zoo
        from zoo.networks import build

        loaded = zoo.load(name, **options)
        network = loaded.network if pretrained else build(loaded.config)
        if hasattr(network, "to_torch"):  # the NumPy network
            network = network.to_torch().to(loaded.device)
        return network.eval()


@contextmanager
def _our_zoo() -> Iterator[None]:
    """Make ``import zoo`` mean the package beside this file, though another one has its name.

    What the caller has imported under that name is back in its place afterwards.
    """
    if not _another_zoo():
        yield
        return
    theirs = _take()
    sys.modules.update(_ours)
    sys.path.insert(0, str(_HERE))
    try:
        yield
    finally:
        sys.path.remove(str(_HERE))
        _ours.update(_take())
        sys.modules.update(theirs)


def _another_zoo() -> bool:
    """Whether ``import zoo`` finds, or has found, a package that is not ours."""
    if "zoo" in sys.modules:
        return not _is_ours(getattr(sys.modules["zoo"], "__file__", None))
    elsewhere = [path for path in sys.path if Path(path).resolve() != _HERE]
    found = PathFinder.find_spec("zoo", elsewhere)
    return found is not None and not _is_ours(found.origin)


def _is_ours(file: str | None) -> bool:
    return file is not None and Path(file).resolve() == _HERE / "zoo" / "__init__.py"


def _take() -> dict[str, ModuleType]:
    """Take the package ``zoo`` and all its modules out of the imported ones."""
    names = [name for name in sys.modules if name == "zoo" or name.startswith("zoo.")]
    return {name: sys.modules.pop(name) for name in names}


def _entry(name: str, title: str) -> Callable[..., torch.nn.Module]:
    def load(**options: Any) -> torch.nn.Module:
        return model(name, **options)

    load.__name__, load.__doc__ = name, f"{title}: ``model({name!r})``; options as for it."
    return load


for _name, _info in json.loads((_HERE / "zoo" / "catalog.json").read_text("utf-8"))[
    "models"
].items():
    globals()[_name] = _entry(_name, _info["title"])
