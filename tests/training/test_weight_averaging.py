"""The moving average of weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from training.weight_averaging import RAMP, MovingAverage


def network(value: float) -> nn.Module:
    net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1))
    for tensor in net.state_dict().values():
        tensor.fill_(value)
    return net


def test_the_average_keeps_its_share_and_takes_the_rest() -> None:
    average = MovingAverage(network(0.0), 0.75)
    average.update(network(8.0), 10 * RAMP)
    for tensor in average.network.state_dict().values():
        if tensor.is_floating_point():  # BatchNorm's statistics, too
            torch.testing.assert_close(tensor, torch.full_like(tensor, 2.0))


def test_at_first_it_forgets_fast() -> None:
    average = MovingAverage(network(0.0), 0.999)
    average.update(network(1.0), 0)
    assert average.network[0].weight.item() == pytest.approx(1 - 1 / RAMP)


def test_it_has_weights_of_its_own() -> None:
    learning = network(1.0)
    average = MovingAverage(learning, 0.9)
    learning[0].weight.data.fill_(5.0)
    assert average.network[0].weight.item() == 1.0
    average.restart(learning)
    assert average.network[0].weight.item() == 5.0
