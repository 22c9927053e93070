"""The digit network in plain PyTorch: blocks of convolution, max pooling, BatchNorm and ReLU.

It was trained by hand-written NumPy code; this module has the same layers and the same names, so
that ``model.safetensors`` loads strictly. Input: (N, C, H, W) float32, scaled to [0, 1] and
normalized with the mean and std of config.json; output: (N, classes) logits.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn


def build(
    input_channels: int = 1,
    size: int = 28,
    channels: Sequence[int] = (32, 64, 128),
    classes: int = 10,
    dropout: float = 0.0,
    **_: object,
) -> nn.Sequential:
    """Make the network that ``config["arguments"]`` describes, with untrained weights."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width = input_channels
    for block, out in enumerate(channels, start=1):
        kernel, padding = (5, 0) if block == 1 else (3, 1)
        layers[f"conv{block}"] = nn.Conv2d(width, out, kernel, padding=padding, bias=False)
        layers[f"pool{block}"] = nn.MaxPool2d(2)
        layers[f"bn{block}"] = nn.BatchNorm2d(out)
        layers[f"relu{block}"] = nn.ReLU()
        size = (size + 2 * padding - kernel + 1) // 2
        width = out
    layers["flatten"] = nn.Flatten()
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    layers["linear"] = nn.Linear(width * size * size, classes)
    return nn.Sequential(layers)
