"""The small network of the BatchNorm experiments: six convolutions whose norms can be exchanged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zoo.networks.cifar_net import PATCH, whitening_filters

NORMS = ("batch", "none", "group", "layer")
KINDS = ("small", "dense", "deep")
GROUPS = 8  # of GroupNorm; Wu & He 2018 use 32, for layers of 64 to 2048 channels


@dataclass(frozen=True)
class Design:
    """What differs between the networks that an experiment compares.

    Attributes:
        norm: ``"none"``, ``"batch"``, ``"group"`` or ``"layer"``.
        position: of the norm, ``"before"`` or ``"after"`` the activation.
        bias: whether the convolutions have a bias beside a norm; without a norm they always do.
        input_norm: whether the norm stands in front of the first convolution as well.
        head_norm: whether it stands in front of the last, linear layer as well.
        output_norm: whether it stands behind that layer, on the logits, as well.
        dropout: probability, in front of the last layer.
        residual: whether each stage adds its second and third convolution to their input; in a
            deep network, each block.
        skip_init: of a deep residual network: whether each branch begins at nothing (De & Smith
            2020).
        kind: ``"small"`` is `SmallNet`; ``"dense"`` and ``"deep"`` are in `other_networks`.
        widths: channels of the three stages.
    """

    norm: str = "batch"
    position: str = "before"
    bias: bool = False
    input_norm: bool = False
    head_norm: bool = False
    output_norm: bool = False
    dropout: float = 0.0
    residual: bool = False
    skip_init: bool = False
    kind: str = "small"
    widths: tuple[int, int, int] = (32, 64, 128)

    def __post_init__(self) -> None:
        if self.norm not in NORMS or self.position not in ("before", "after"):
            raise ValueError(f"There is no norm {self.norm!r} {self.position!r} the activation.")
        if self.kind not in KINDS:
            raise ValueError(f"A network is one of {', '.join(KINDS)}, not {self.kind!r}.")

    def plain(self) -> dict[str, Any]:
        """Return the design as JSON gives it back."""
        return asdict(self) | {"widths": list(self.widths)}


class SmallNet(nn.Module):
    """Classify RGB images of 32 × 32 pixels: float32 (N, 3, 32, 32) → logits (N, classes).

    A fixed layer whitens patches of 2 × 2 pixels (`zoo.networks.cifar_net.whitening_filters`) with
    stride 2, so that the rest works at 16 × 16; then three stages of two 3 × 3 convolutions, each
    with its norm and a ReLU, max pooling between the stages and over all places behind them, and a
    linear layer. With ``residual`` a stage is x ← conv(x), then x ← ReLU(x + conv(conv(x))) (He et
    al. 2016), 9 convolutions in all. All of them start from He et al. 2015, eq. 10.
    """

    def __init__(self, design: Design, classes: int = 10) -> None:
        super().__init__()
        filters = 2 * 3 * PATCH**2
        self.whiten = nn.Conv2d(3, filters, PATCH, stride=PATCH, bias=False)
        self.whiten.weight.requires_grad_(False)
        stages, inputs = [], filters
        for width in design.widths:
            stages.append(Stage(inputs, width, design))
            inputs = width
        self.input_norm = map_norm(design.norm, filters) if design.input_norm else nn.Identity()
        self.stages = nn.ModuleList(stages)
        self.head_norm = vector_norm(design.norm, inputs) if design.head_norm else nn.Identity()
        self.dropout = nn.Dropout(design.dropout)
        self.head = nn.Linear(inputs, classes)
        self.output_norm = (
            vector_norm(design.norm, classes) if design.output_norm else nn.Identity()
        )

    def initialize(self, images: Tensor) -> SmallNet:
        """Compute the whitening layer from normalized images (N, 3, H, W); return the network."""
        self.whiten.weight.data.copy_(whitening_filters(images))
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, classes)."""
        x = self.input_norm(torch.relu(self.whiten(x)))
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number < len(self.stages) - 1:
                x = nn.functional.max_pool2d(x, 2)
        return self.output_norm(self.head(self.dropout(self.head_norm(x.amax(dim=(2, 3))))))


class Stage(nn.Module):
    """The convolutions at one size of the maps."""

    def __init__(self, inputs: int, width: int, design: Design) -> None:
        super().__init__()
        self.residual = design.residual
        self.unit1 = Unit(inputs, width, design)
        self.unit2 = Unit(width, width, design)
        if design.residual:
            self.unit3 = Unit(width, width, design, activate=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, width, H, W)."""
        first = self.unit1(x)
        second = self.unit2(first)
        return torch.relu(first + self.unit3(second)) if self.residual else second


class Unit(nn.Module):
    """A convolution, its norm and its ReLU, in the order that the design says."""

    def __init__(
        self, inputs: int, width: int, design: Design, activate: bool = True, stride: int = 1
    ) -> None:
        super().__init__()
        bias = design.bias or design.norm == "none"
        self.conv = nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=bias)
        nn.init.normal_(self.conv.weight, std=math.sqrt(2 / (9 * inputs)))
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)
        self.norm = map_norm(design.norm, width)
        self.act = nn.ReLU() if activate else nn.Identity()
        self.before = design.position == "before"

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, width, H / stride, W / stride)."""
        x = self.conv(x)
        return self.act(self.norm(x)) if self.before else self.norm(self.act(x))


def units(network: nn.Module) -> dict[str, Unit]:
    """Return the network's units by name, in the order of computation."""
    return {name: module for name, module in network.named_modules() if isinstance(module, Unit)}


def train_pflop(network: nn.Module, images: int) -> float:
    """Return 10¹⁵ floating-point operations of training on so many images.

    Counted for convolutions and the linear layer, 3 passes each: forward, ∂L/∂W, ∂L/∂x.
    """
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(2, 3, 32, 32))
    return 3 * counter.get_total_flops() / 2 * images / 1e15


def map_norm(norm: str, channels: int) -> nn.Module:
    """Return a norm of maps (N, channels, H, W)."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm == "none":
        return nn.Identity()
    if norm == "layer":  # as Wu & He 2018, section 3.1, compare it: γ and β one number a channel
        return nn.GroupNorm(1, channels)
    return ChannelsFirstGroupNorm(math.gcd(GROUPS, channels), channels)


class ChannelsFirstGroupNorm(nn.GroupNorm):
    """GroupNorm of maps that lie channels last, computed channels first.

    On a CPU PyTorch's own takes up to five times as long when channels lie last: on 128 maps of
    32 × 16 × 16, there and back 22 ms of processor time instead of 4 (one thread of a Xeon).
    """

    def forward(self, input: Tensor) -> Tensor:
        """Normalize (N, C, H, W) in any memory format; the result lies channels last."""
        return super().forward(input.contiguous()).contiguous(memory_format=torch.channels_last)


def vector_norm(norm: str, features: int) -> nn.Module:
    """Return a norm of vectors (N, features)."""
    choices: dict[str, type[nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
    if norm not in choices:
        raise ValueError(f"No norm {norm!r} can stand on vectors here.")
    return choices[norm](features)


def seeded(design: Design, seed: int, images: Tensor) -> SmallNet:
    """Make the network with the initial weights of a seed.

    Args:
        design: which network.
        seed: of the initial weights.
        images: normalized training images (N, 3, 32, 32), for the whitening layer.
    """
    torch.manual_seed(seed)
    network = SmallNet(design).initialize(images)
    return network.to(memory_format=torch.channels_last)


def trained_parameters(network: nn.Module, weight_decay: float) -> Sequence[dict[str, Any]]:
    """Return the optimizer's groups: weights decay; biases, γ, β and a branch's factor do not."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
