"""The digit network in plain PyTorch: blocks of convolution, max pooling, BatchNorm and ReLU.

It was trained by hand-written NumPy code; this module has the same layers and the same names, so
that ``model.safetensors`` loads strictly. Input: (N, C, H, W) float32, scaled to [0, 1] and
normalized with the mean and std of config.json; output: (N, classes) logits.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

NORMS = {"batch": "bn", "group": "gn", "layer": "ln", "none": ""}  # how their layers are named


def build(
    in_channels: int = 1,
    size: int = 28,
    channels: Sequence[int] = (32, 64, 128),
    classes: int = 10,
    dropout: float = 0.0,
    norm: str = "batch",
    **_: object,
) -> nn.Sequential:
    """Make the network that ``config["arguments"]`` describes, with untrained weights."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width = in_channels
    for block, out in enumerate(channels, start=1):
        kernel, padding = (5, 0) if block == 1 else (3, 1)
        layers[f"conv{block}"] = nn.Conv2d(width, out, kernel, padding=padding, bias=norm == "none")
        layers[f"pool{block}"] = nn.MaxPool2d(2)
        if norm != "none":
            layers[f"{NORMS[norm]}{block}"] = _norm(norm, out)
        layers[f"relu{block}"] = nn.ReLU()
        size = (size + 2 * padding - kernel + 1) // 2
        width = out
    layers["flatten"] = nn.Flatten()
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    layers["linear"] = nn.Linear(width * size * size, classes)
    return nn.Sequential(layers)


def _norm(norm: str, channels: int) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    # LayerNorm between convolutions is GroupNorm with a single group
    return nn.GroupNorm(1 if norm == "layer" else math.gcd(8, channels), channels)
