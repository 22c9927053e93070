"""One tiny model of each kind, with random weights and statistics that make a difference."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

import zoo
from zoo.networks.cifar_net import CifarNet
from zoo.networks.numpy_cnn import NumpyCNN
from zoo.networks.segmentation.unet import UNet

SCALED: dict[str, Any] = {"channels": 3, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3]}
CROP = SCALED | {"kind": "crop", "height": 32, "width": 32}
PHOTO = SCALED | {"kind": "scale", "longest_side": 96}
DIGIT = {"kind": "mnist_digit", "channels": 1, "height": 28, "width": 28}
DIGIT |= {"mean": [0.1307], "std": [0.3081]}


def unsettled(network: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_()
    return network.eval()


def objects(network: nn.Module | None = None) -> zoo.Classifier:
    torch.manual_seed(0)
    network = network or CifarNet((8, 16, 16), depth=3)
    config = {"preprocessing": CROP, "labels": list("abcdefghij"), "license": "Apache-2.0"}
    return zoo.Classifier("objects", config | task("classification"), {}, unsettled(network))


def cars() -> zoo.Segmenter:
    config = {"preprocessing": PHOTO, "labels": ["car"], "threshold": 0.5}
    torch.manual_seed(0)
    network = UNet((8, 16, 16), context=1)
    return zoo.Segmenter("cars", config | task("segmentation"), {}, unsettled(network))


def digits(norm: str = "batch") -> zoo.Classifier:
    network = NumpyCNN(channels=(8, 16), norm=norm, dropout=0.1)
    rng = np.random.default_rng(0)
    for name, array in network.arrays.items():
        if "running" in name or name.endswith("bias"):
            array[...] = rng.uniform(0.5, 1.5, array.shape)
    config = {"preprocessing": DIGIT, "labels": list("0123456789")}
    return zoo.Classifier("digits", config | task("classification"), {}, network)


def task(name: str) -> dict[str, Any]:
    return {"task": name, "title": name.title()}
