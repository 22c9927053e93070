"""The network architectures, one module each, and `build`, which makes one from its config.

A torch architecture is imported only when it is built, so that the NumPy network works, and
starts fast, where torch is not installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def build(config: Mapping[str, Any]) -> Any:
    """Make the network, with untrained weights, that a model's ``config.json`` describes.

    Args:
        config: the parsed ``config.json``; ``config["architecture"]`` names the network and
            ``config["arguments"]`` holds the keyword arguments of its constructor.

    Returns:
        A `zoo.networks.numpy_cnn.NumpyCNN` or a ``torch.nn.Module``.

    Raises:
        ValueError: if this version of the code knows no such architecture.

    Example:
        >>> build({"architecture": "numpy_cnn", "arguments": {"channels": [4, 8]}}).num_parameters
        4398
    """
    architecture = config["architecture"]
    arguments = dict(config.get("arguments", {}))
    if architecture == "numpy_cnn":
        from zoo.networks.numpy_cnn import NumpyCNN

        return NumpyCNN(**arguments)
    if architecture == "cifar":
        from zoo.networks.cifar_net import CifarNet

        return CifarNet(**arguments)
    if architecture == "unet":
        from zoo.networks.segmentation.unet import UNet

        return UNet(**arguments)
    raise ValueError(
        f"The architecture {architecture!r} is unknown to this version; update the code."
    )
