"""The object network: a whitening layer, three blocks of convolutions, one linear layer.

The shape is that of K. Jordan's airbench networks (arXiv 2404.00498), which descend from D. Page's
ResNet-9: few, wide layers, and pooling early, so that nearly all arithmetic is in large matrix
products. With ``depth=3`` a block has a third convolution and a residual connection around the
last two (He et al. 2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

PATCH = 2  # side of the whitening layer's kernels
ACTIVATIONS = {"gelu": nn.GELU, "silu": nn.SiLU}
# SiLU(s x) is s GELU(x), to 0.04 (Hendrycks & Gimpel 2016, arXiv 1606.08415, section 2).
SHARPNESS = 1.702


class CifarNet(nn.Module):
    """Classify RGB images of 32 × 32 pixels.

    Args:
        widths: channels of the three blocks.
        depth: convolutions a block, 2 or 3.
        classes: number of classes.
        activation: "gelu", or "silu", x · σ(x), which a processor computes in two thirds of the
            time; what comes in is then larger by `SHARPNESS`, and so it is nearly the same curve.

    The input is float32 of shape (N, 3, 32, 32), normalized with the mean and std of config.json;
    the output is the logits, (N, classes).
    """

    def __init__(
        self,
        widths: Sequence[int] = (64, 256, 256),
        depth: int = 2,
        classes: int = 10,
        activation: str = "gelu",
    ) -> None:
        super().__init__()
        if len(widths) != 3 or depth not in (2, 3):
            raise ValueError("CifarNet takes three widths and a depth of 2 or 3.")
        if activation not in ACTIVATIONS:
            raise ValueError(f"CifarNet's activation is one of {', '.join(ACTIVATIONS)}.")
        self.arguments: dict[str, object] = {
            "widths": list(widths),
            "depth": depth,
            "classes": classes,
        }
        if activation != "gelu":  # so that a release that knows no other loads all that it can
            self.arguments["activation"] = activation
        act = ACTIVATIONS[activation]
        self.gain = SHARPNESS if activation == "silu" else 1.0  # of each activation's input
        filters = 2 * 3 * PATCH**2  # each eigenvector of a patch, and its negative
        self.whiten = nn.Conv2d(3, filters, PATCH)
        self.whiten_act = act()
        self.block1 = ConvBlock(filters, widths[0], depth, act)
        self.block2 = ConvBlock(widths[0], widths[1], depth, act)
        self.block3 = ConvBlock(widths[1], widths[2], depth, act)
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.flatten = nn.Flatten()
        self.head = nn.Linear(widths[2], classes, bias=False)
        self.whiten.weight.requires_grad_(False)  # computed from the data, not learned
        nn.init.normal_(self.head.weight)
        # The logits begin with a standard deviation of 1/√width·|features|, small enough for
        # label smoothing, while the head's weights stay of order 1, where one learning rate fits.
        self.scale = 1 / widths[2] / self.gain
        if self.gain != 1.0:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.weight.data.fill_(self.gain)  # the next BatchNorm takes it out again

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, classes) for images (N, 3, 32, 32)."""
        x = self.whiten_act(self.whiten(x))
        x = self.block3(self.block2(self.block1(x)))
        return self.head(self.flatten(self.pool(x))) * self.scale


class ConvBlock(nn.Module):
    """Convolution, 2 × 2 max pooling, and one or two more convolutions at the halved size."""

    def __init__(
        self, in_channels: int, out_channels: int, depth: int, act: type[nn.Module]
    ) -> None:
        super().__init__()
        self.conv1 = _convolution(in_channels, out_channels)
        self.pool = nn.MaxPool2d(2)
        self.bn1 = _batch_norm(out_channels)
        self.act1 = act()
        self.conv2 = _convolution(out_channels, out_channels)
        self.bn2 = _batch_norm(out_channels)
        self.act2 = act()
        self.residual = depth == 3
        if self.residual:
            self.conv3 = _convolution(out_channels, out_channels)
            self.bn3 = _batch_norm(out_channels)
            self.act3 = act()

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, ⌊H/2⌋, ⌊W/2⌋)."""
        first = self.act1(self.bn1(self.pool(self.conv1(x))))
        x = self.act2(self.bn2(self.conv2(first)))
        if self.residual:
            x = self.act3(self.bn3(self.conv3(x)) + first)
        return x


def whitening_filters(images: Tensor, eps: float = 5e-4) -> Tensor:
    """Return filters under which the patches of these images are uncorrelated, of variance ~1.

    With the patches' covariance C = V Λ Vᵀ, the filters are the rows of (Λ + ε)^(−½) Vᵀ (Coates &
    Ng 2012, "Learning feature representations with k-means", section 2.2). Each comes with its
    negative, so that the activation behind it keeps both signs. They replace the first thing that
    a network must otherwise learn: to amplify differences of neighbouring pixels, which vary far
    less than brightness does.

    Args:
        images: float (N, 3, H, W), normalized.
        eps: ε; keeps directions that hardly vary from being blown up to noise.

    Returns:
        float (24, 3, 2, 2).
    """
    patches = images.unfold(2, PATCH, 1).unfold(3, PATCH, 1)  # (N, 3, H-1, W-1, 2, 2)
    flat = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3 * PATCH**2).double()
    covariance = flat.T @ flat / len(flat)
    eigenvalues, eigenvectors = torch.linalg.eigh(covariance)
    # eigh leaves each vector's sign open; here its largest component is positive.
    largest = eigenvectors.abs().argmax(dim=0)
    eigenvectors = eigenvectors * eigenvectors[largest, range(len(largest))].sign()
    filters = (eigenvectors / (eigenvalues + eps).sqrt()).T.reshape(-1, 3, PATCH, PATCH)
    return torch.cat([filters, -filters]).float()


def _convolution(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Make a 3 × 3 convolution whose first ``inputs`` filters begin by passing their input on."""
    layer = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
    nn.init.dirac_(layer.weight.data[:in_channels])
    return layer


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    """Make a BatchNorm with a learned shift; a learned factor gains nothing here."""
    layer = nn.BatchNorm2d(channels)
    layer.weight.requires_grad_(False)
    return layer
