"""The object network: shapes, whitening, initial weights, and what its settings refuse."""

from __future__ import annotations

import pytest
import torch

from zoo.networks import build
from zoo.networks.cifar_net import SHARPNESS, CifarNet, whitening_filters


@pytest.mark.parametrize("depth", [2, 3])
def test_shapes_and_dtypes(depth: int) -> None:
    network = CifarNet(widths=(8, 16, 16), depth=depth)
    logits = network(torch.zeros(3, 3, 32, 32))
    assert logits.shape == (3, 10)
    assert logits.dtype == torch.float32
    kernels = [p for p in network.parameters() if p.ndim == 4 and p.requires_grad]
    assert len(kernels) == 3 * depth
    # 24 filters of whitening with shifts; 3 × 3 kernels, each with a factor and a shift; the head.
    inputs = (24, 8, 16)
    convolutions = sum(
        9 * (i * o + (depth - 1) * o * o) for i, o in zip(inputs, (8, 16, 16), strict=True)
    )
    total = 24 * 13 + convolutions + depth * 2 * (8 + 16 + 16) + 16 * 10
    assert sum(p.numel() for p in network.parameters()) == total


def test_build_makes_it_from_a_config_and_gradients_reach_every_trained_weight() -> None:
    network = build({"architecture": "cifar", "arguments": {"widths": [4, 8, 8], "depth": 3}})
    network(torch.randn(4, 3, 32, 32)).square().sum().backward()
    for name, parameter in network.named_parameters():
        learned = name == "whiten.bias" or name.endswith(("bias", "head.weight")) or "conv" in name
        assert (parameter.grad is not None) == learned, name
        if learned:
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("arguments", [{"widths": (4, 8)}, {"depth": 4}])
def test_impossible_settings_are_refused(arguments: dict) -> None:
    with pytest.raises(ValueError, match="three widths and a depth"):
        CifarNet(**arguments)


def test_another_activation_is_used_everywhere_and_stands_in_the_arguments() -> None:
    network = CifarNet(widths=(4, 8, 8), depth=3, activation="silu")
    kinds = {type(module) for module in network.modules()}
    assert torch.nn.SiLU in kinds
    assert torch.nn.GELU not in kinds
    again = build({"architecture": "cifar", "arguments": network.arguments}).eval()
    again.load_state_dict(network.state_dict())
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(again(images), network.eval()(images))
    with pytest.raises(ValueError, match="gelu, silu"):
        CifarNet(activation="relu6")


def test_silu_stands_for_a_gelu_written_with_a_sigmoid() -> None:
    class Gelu(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.sigmoid(SHARPNESS * x)

    x = torch.linspace(-6, 6, 1001)
    assert (Gelu()(x) - torch.nn.functional.gelu(x)).abs().max() < 0.021
    silu = CifarNet(widths=(4, 8, 8), activation="silu")
    plain = CifarNet(widths=(4, 8, 8))
    plain.load_state_dict(silu.state_dict())
    for block in (plain.block1, plain.block2, plain.block3):
        block.act1, block.act2 = Gelu(), Gelu()
        block.bn1.weight.data.fill_(1)
        block.bn2.weight.data.fill_(1)
    plain.whiten_act = Gelu()
    for parameter in (silu.whiten.weight, silu.whiten.bias):
        parameter.data *= SHARPNESS
    images = torch.randn(16, 3, 32, 32)
    torch.testing.assert_close(silu(images), plain(images), atol=1e-4, rtol=1e-3)


def test_whitened_patches_are_uncorrelated_with_variance_one() -> None:
    random = torch.Generator().manual_seed(0)
    smooth = torch.randn(64, 3, 34, 34, generator=random)
    images = torch.nn.functional.avg_pool2d(smooth, 3, 1) * 3  # neighbours resemble each other
    filters = whitening_filters(images, eps=0.0)
    assert filters.shape == (24, 3, 2, 2)
    torch.testing.assert_close(filters[:12], -filters[12:])
    whitened = torch.nn.functional.conv2d(images, filters[:12]).permute(1, 0, 2, 3).flatten(1)
    covariance = whitened @ whitened.T / whitened.shape[1]
    torch.testing.assert_close(covariance, torch.eye(12), atol=1e-3, rtol=0)


def test_the_first_filters_begin_as_the_identity() -> None:
    network = CifarNet(widths=(4, 8, 8), depth=3)
    image = torch.randn(1, 8, 7, 7)
    torch.testing.assert_close(network.block3.conv2(image), image)
    torch.testing.assert_close(network.block2.conv1(image[:, :4])[:, :4], image[:, :4])


def test_a_third_convolution_is_residual() -> None:
    network = CifarNet(widths=(4, 8, 8), depth=3).eval()
    block = network.block2
    block.conv3.weight.data.zero_()
    x = torch.randn(1, 4, 14, 14)
    first = block.act1(block.bn1(block.pool(block.conv1(x))))
    torch.testing.assert_close(block(x), torch.nn.functional.gelu(first))
