"""Depthwise convolutions with the faster weight gradient, beside plain ones."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from training.carvana.depthwise_gradients import DepthwiseConv2d, fits, speed_up
from zoo.networks.segmentation.unet import UNet

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("kernel", [(7, 7), (3, 5), (1, 1)])
@pytest.mark.parametrize("bfloat16", [False, True])
def test_output_and_gradients_are_those_of_the_plain_layer(kernel, bfloat16) -> None:
    torch.manual_seed(0)
    around = (kernel[0] // 2, kernel[1] // 2)
    plain = nn.Conv2d(12, 12, kernel, padding=around, groups=12, bias=False)
    plain = plain.to(memory_format=torch.channels_last)
    x, upper = (
        torch.randn(3, 12, 6, 9).contiguous(memory_format=torch.channels_last) for _ in range(2)
    )

    def passes(layer: nn.Conv2d, bfloat16: bool) -> list[torch.Tensor]:
        inputs = x.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            outputs = layer(inputs)
        found = torch.autograd.grad(outputs, (inputs, layer.weight), upper.to(outputs.dtype))
        assert all(gradient.dtype == torch.float32 for gradient in found)
        return [outputs.detach().float(), *found]

    near = {"rtol": 2e-2, "atol": 0.1} if bfloat16 else {"rtol": 1e-4, "atol": 1e-4}
    exact = passes(plain, False)
    for got, expected in zip(passes(DepthwiseConv2d(plain), bfloat16), exact, strict=True):
        torch.testing.assert_close(got, expected, **near)


def test_a_u_net_s_depthwise_layers_are_exchanged_and_nothing_else() -> None:
    torch.manual_seed(0)
    plain = UNet((8, 12, 16), context=2)
    for block in plain.context:
        nn.init.ones_(block.mix_bn.weight)  # its first gradients would be zeros
    ours = copy.deepcopy(plain)
    speed_up(ours)
    exchanged = [name for name, m in ours.named_modules() if isinstance(m, DepthwiseConv2d)]
    assert exchanged == ["context.0.wide", "context.1.wide"]
    assert list(ours.state_dict()) == list(plain.state_dict())
    x = torch.randn(2, 3, 32, 48)
    for network in (plain, ours):
        network(x).square().mean().backward()
    for (name, got), exact in zip(ours.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(got.grad, exact.grad, rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.parametrize(
    "change",
    [{"groups": 1}, {"bias": True}, {"stride": 2}, {"padding": 0}, {"kernel_size": 4, "padding": 2},
     {"dilation": 2}, {"padding_mode": "reflect"}],
)  # fmt: skip
def test_others_stay(change) -> None:
    usual = {"kernel_size": 7, "padding": 3, "groups": 4, "bias": False}
    assert fits(nn.Conv2d(4, 4, **usual))
    assert not fits(nn.Conv2d(4, 4, **usual | change))
