from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from tests.zoo.explain import networks
from zoo.errors import ZooError
from zoo.explain import receptive_field, receptive_field_by_gradient
from zoo.explain.subject import trace


def outcome(function, *arguments) -> object:
    try:
        return function(*arguments)
    except ZooError as error:
        return str(error)


@pytest.mark.parametrize("name", networks.SHAPES)
def test_it_is_where_the_gradient_is(name: str) -> None:
    network, inputs = networks.make(name)
    run, rng = trace(network, inputs), np.random.default_rng(2)
    for layer in run.layers[:: 2 if name in ("unet", "objects") else 1]:
        place = [int(rng.integers(side)) for side in layer.shape[1:]]
        found = outcome(receptive_field, run, layer.name, *place)
        by_gradient = outcome(receptive_field_by_gradient, network, inputs, layer.name, *place)
        assert found == by_gradient, (layer, place)


@pytest.mark.parametrize("seed", range(4))
def test_random_chains_agree_with_their_gradients(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chain, channels = [], 2
    for _ in range(4):
        kernel = tuple(int(k) for k in rng.integers(1, 5, 2))
        options = {
            "stride": tuple(int(s) for s in rng.integers(1, 3, 2)),
            "padding": tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel),
        }
        if rng.random() < 0.3:
            chain.append(nn.MaxPool2d(kernel, **options))
        else:
            dilation = tuple(int(d) for d in rng.integers(1, 4, 2))
            chain += [nn.Conv2d(channels, 2, kernel, dilation=dilation, **options), nn.ReLU()]
    network = nn.Sequential(*chain)
    inputs = rng.standard_normal((2, 61, 58)).astype(np.float32)
    run = trace(network, inputs)
    for layer in run.layers:
        for place in ((0, 0), (layer.shape[1] // 2, layer.shape[2] // 3), (-1, -1)):
            where = [p % side for p, side in zip(place, layer.shape[1:], strict=True)]
            found = outcome(receptive_field, run, layer.name, *where)
            assert found == outcome(
                receptive_field_by_gradient, network, inputs, layer.name, *where
            )


def test_a_stack_of_three_by_three_kernels_sees_two_more_pixels_each() -> None:
    chain = nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) for _ in range(4)))
    run = trace(chain, np.zeros((1, 33, 33), np.float32))
    for depth in range(4):
        seen = receptive_field(run, str(depth), 16, 16)
        assert (seen.height, seen.width) == (3 + 2 * depth, 3 + 2 * depth)
    corner = receptive_field(run, "3", 0, 0)
    assert (corner.top, corner.left, corner.bottom, corner.right) == (0, 0, 5, 5)


def test_changing_a_pixel_outside_changes_nothing_inside_it_does() -> None:
    network, inputs = networks.make("unet")
    layer, row, column = "down.2.first.bn", 2, 3
    seen = receptive_field(trace(network, inputs), layer, row, column)
    before = trace(network, inputs)[layer][:, row, column]
    outside, inside = inputs.copy(), inputs.copy()
    mask = np.zeros(inputs.shape[1:], bool)
    mask[seen.top : seen.bottom, seen.left : seen.right] = True
    assert mask.any()
    assert not mask.all()
    outside[:, ~mask] += 3
    inside[:, mask] += 3
    np.testing.assert_allclose(trace(network, outside)[layer][:, row, column], before, atol=1e-6)
    assert np.abs(trace(network, inside)[layer][:, row, column] - before).max() > 1e-3


def test_an_unknown_layer_is_left_to_the_gradient() -> None:
    class Shift(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.roll(x, 1, 2)

    network, inputs = nn.Sequential(Shift()), np.zeros((1, 9, 9), np.float32)
    with pytest.raises(ZooError, match="use receptive_field_by_gradient"):
        receptive_field(trace(network, inputs), "0", 4, 4)
    assert receptive_field_by_gradient(network, inputs, "0", 4, 4) == zoo.explain.ReceptiveField(
        3, 4, 4, 5
    )
    with pytest.raises(ZooError, match="no position"):
        receptive_field(trace(network, inputs), "0", 9, 0)
