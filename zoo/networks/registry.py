"""The architectures: one entry each. `build` makes the network that a model's config describes.

A module is imported only when its network is built, so that the NumPy network works, and starts
fast, where torch is not installed. A new architecture is a file in this folder and one entry here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.networks.scaffold import Scaffold


@dataclass(frozen=True)
class Architecture:
    """Where a network's code is.

    Attributes:
        module: Below ``zoo.networks``.
        network: The class in it; its keyword arguments are ``config["arguments"]``.
        framework: ``"numpy"`` or ``"torch"``.
        stand_alone: The module that needs torch alone and nothing of this project, below
            ``zoo.networks``; it is published beside the weights. "": ``module`` is that itself.
    """

    module: str
    network: str
    framework: str = "torch"
    stand_alone: str = ""


ARCHITECTURES: Mapping[str, Architecture] = {
    "numpy_cnn": Architecture("numpy_cnn", "NumpyCNN", "numpy", "stand_alone.digit_cnn"),
    "cifar": Architecture("cifar_net", "CifarNet"),
    "unet": Architecture("segmentation.unet", "UNet"),
    "fcn": Architecture("segmentation.fcn", "FCN"),
    "linknet": Architecture("segmentation.linknet", "LinkNet"),
    "fpn": Architecture("segmentation.fpn", "FPN"),
    "deeplab": Architecture("segmentation.deeplab", "DeepLab"),
}


def architecture(name: str) -> Architecture:
    """Return an entry of the registry.

    Raises:
        ValueError: This version of the code knows no such architecture.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"The architecture {name!r} is unknown to this version; update the code.")
    return ARCHITECTURES[name]


def name_of(network: Any) -> str:
    """Return the name under which a network's class is registered, else the class's own."""
    for name, entry in ARCHITECTURES.items():
        if type(network).__name__ == entry.network:
            return name
    return type(network).__name__


def build(config: Mapping[str, Any]) -> Any:
    """Make the network, with untrained weights, that a model's ``config.json`` describes.

    Args:
        config: the parsed ``config.json``; ``config["architecture"]`` names the network and
            ``config["arguments"]`` holds the keyword arguments of its constructor.

    Returns:
        A `zoo.networks.numpy_cnn.NumpyCNN` or a ``torch.nn.Module``.

    Raises:
        ValueError: This version of the code knows no such architecture.

    Example:
        >>> build({"architecture": "numpy_cnn", "arguments": {"channels": [4, 8]}}).num_parameters
        3302
    """
    make, arguments, framework = _constructor(config)
    network = make(**arguments)
    # float32 whatever torch's default dtype is in this process
    return network.float() if framework == "torch" else network


# Methods of a tensor that draw, or fill what will be overwritten.
_DRAWS = {"normal_", "uniform_"}


def build_empty(config: Mapping[str, Any]) -> Any:
    """Make the same network without weights: none are drawn, and no memory is filled.

    A torch network lies on the meta device until ``load_state_dict(…, assign=True)``, and its
    numbers are float32 whatever torch's default is.
    """
    make, arguments, framework = _constructor(config)
    if framework == "numpy":
        return make(**arguments | {"seed": None})
    import torch
    from torch.overrides import TorchFunctionMode

    class Undrawn(TorchFunctionMode):
        """Leaves out what ``torch.nn.init`` would draw.

        A draw on the meta device is carried out by torch's compiler front end, whose import
        alone (dynamo, sympy, onnx, triton) takes seconds and 140 MB.
        """

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if (
                getattr(func, "__name__", "") in _DRAWS
                or getattr(func, "__module__", "") == "torch.nn.init"
            ):
                return args[0] if args else (kwargs or {})["tensor"]
            return func(*args, **kwargs or {})

    with torch.device("meta"), Undrawn():
        network = make(**arguments)
        return network if torch.get_default_dtype() == torch.float32 else network.float()


def scaffold_of(config: Mapping[str, Any]) -> Scaffold:
    """Return the structure of a torch network; it is built once a process.

    Args:
        config: As of :func:`build`.

    Raises:
        ValueError: This version of the code knows no such architecture.
    """
    make, arguments, _ = _constructor(config)
    return _scaffold(make, config["architecture"], json.dumps(arguments))


@lru_cache(maxsize=16)
def _scaffold(_make: Any, architecture: str, arguments: str) -> Scaffold:
    from zoo.networks.scaffold import Scaffold

    return Scaffold(build_empty({"architecture": architecture, "arguments": json.loads(arguments)}))


def _constructor(config: Mapping[str, Any]) -> tuple[Any, dict[str, Any], str]:
    entry = architecture(config["architecture"])
    module = import_module(f"zoo.networks.{entry.module}")
    return getattr(module, entry.network), dict(config.get("arguments", {})), entry.framework
