"""Convolutions whose weight gradient lays images side by side, beside plain ones."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from tests.training.tiny_images import CPU, TINY, make_images
from training.cifar10.cifar10_student import CifarStudent
from training.cifar10.weight_gradients import (
    SideBySideConv2d,
    images_a_row,
    lay_side_by_side,
    side_by_side,
)
from training.data.image_batches import Plan, batches
from training.engine.compute import ComputeConfig
from zoo.networks.cifar_net import CifarNet

pytestmark = pytest.mark.usefixtures("one_thread")
BFLOAT16 = ComputeConfig(CPU.processes, "bfloat16")


def passes(
    layer: nn.Module, inputs: Tensor, upper: Tensor, compute: ComputeConfig
) -> tuple[Tensor, ...]:
    """Return a layer's output, and its gradients of inputs, weight and, if it has one, bias."""
    inputs = inputs.clone().requires_grad_()
    with compute.autocast():
        outputs = layer(inputs)
    outputs.backward(upper.to(outputs.dtype))
    found = [inputs.grad, *(parameter.grad for parameter in layer.parameters())]
    layer.zero_grad()
    assert all(gradient is not None for gradient in found)
    return outputs.detach(), *found


@pytest.mark.parametrize(
    ("count", "size", "images"),
    [(40, 7, 10), (60, 5, 12), (40, 3, 20), (50, 2, 25), (7, 3, 7), (23, 2, 23), (29, 7, 1),
     (4, 11, 1)],
)  # fmt: skip
@pytest.mark.parametrize("bias", [False, True])
def test_output_and_gradients_are_those_of_the_plain_layer(count, size, images, bias) -> None:
    assert images_a_row(count, size) == images
    torch.manual_seed(0)
    plain = nn.Conv2d(24, 32, 3, padding=1, bias=bias).to(memory_format=torch.channels_last)
    ours = SideBySideConv2d(plain)
    assert (ours.weight, ours.bias) == (plain.weight, plain.bias)
    inputs, upper = torch.randn(count, 24, size, size + 1), torch.randn(count, 32, size, size + 1)
    inputs, upper = (t[..., :size].contiguous(memory_format=torch.channels_last)
                     for t in (inputs, upper))  # fmt: skip
    expected = passes(plain, inputs, upper, CPU)
    for got, exact in zip(passes(ours, inputs, upper, CPU), expected, strict=True):
        torch.testing.assert_close(got, exact, rtol=1e-4, atol=1e-4)
    for got, exact in zip(passes(ours, inputs, upper, BFLOAT16), expected, strict=True):
        assert got.shape == exact.shape
        assert (got.float() - exact).norm() < 0.01 * exact.norm()
    assert passes(ours, inputs, upper, BFLOAT16)[0].dtype == torch.bfloat16


def test_the_images_lie_side_by_side_with_zeros_between() -> None:
    maps = torch.arange(1.0, 1 + 4 * 2 * 3 * 3).view(4, 2, 3, 3)
    wide = side_by_side(maps, 2)
    assert wide.shape == (2, 2, 3, 8)
    assert wide.is_contiguous(memory_format=torch.channels_last)
    for number in range(4):
        row, place = divmod(number, 2)
        torch.testing.assert_close(wide[row, :, :, 4 * place : 4 * place + 3], maps[number])
    assert not wide[..., [3, 7]].any()


def test_a_network_keeps_its_parameters_and_answers() -> None:
    torch.manual_seed(0)
    network = CifarNet((8, 16, 16), 3).eval()
    plain = copy.deepcopy(network)
    own = dict(network.named_parameters())
    lay_side_by_side(network)
    assert all(isinstance(m, SideBySideConv2d) for m in network.modules()
               if isinstance(m, nn.Conv2d) and m is not network.whiten)  # fmt: skip
    now = dict(network.named_parameters())
    assert list(now) == list(own)
    assert all(now[name] is parameter for name, parameter in own.items())
    inputs = torch.randn(4, 3, 32, 32)
    torch.testing.assert_close(network(inputs), plain(inputs), rtol=0, atol=0)


def test_convolutions_of_another_kind_stay() -> None:
    others = [{"stride": 2, "padding": 1}, {"padding": 0}, {"padding": 1, "groups": 8},
              {"padding": 2, "dilation": 2}]  # fmt: skip
    network = nn.Sequential(*(nn.Conv2d(8, 8, 3, **other) for other in others), nn.Conv2d(8, 8, 1))
    lay_side_by_side(network)
    assert not any(isinstance(module, SideBySideConv2d) for module in network)


def test_a_student_learns_with_them_in_bfloat16_as_it_does_with_plain_ones() -> None:
    examples = make_images(40)
    images, labels = torch.from_numpy(examples.images), torch.from_numpy(examples.labels)
    plan = Plan(images, labels, TINY.augmentation, TINY.batch, seed=0)

    def weights(compute: ComputeConfig, **options: bool) -> tuple[bool, Tensor]:
        torch.manual_seed(0)
        recipe = replace(TINY, muon_lr=0.05)
        student = CifarStudent(recipe, TINY.widths, 2, plan, compute, **options)
        student.begin(0)
        student.learn(student.losses(*next(batches(plan, 0, 0, compute.processes)))[0])
        convolution = student.network.block3.conv2
        return isinstance(convolution, SideBySideConv2d), convolution.weight.detach()

    ours, learned = weights(BFLOAT16)
    theirs, expected = weights(BFLOAT16, side_by_side=False)
    assert (ours, theirs, weights(CPU)[0]) == (True, False, False)
    assert (learned - expected).norm() < 0.02 * expected.norm()
