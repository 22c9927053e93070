"""The benchmark's arithmetic: what its figures are made of, not how fast anything is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from training.benchmarks.numpy_vs_torch import convolution_flop, profile
from zoo.networks.numpy_cnn import NumpyCNN, batched_products, convolution


@pytest.fixture
def network() -> NumpyCNN:
    return NumpyCNN(channels=(4, 8, 8))


def test_the_flop_are_those_that_torch_counts(network: NumpyCNN) -> None:
    images = np.zeros((4, 1, 28, 28), np.float32)
    twin = network.to_torch().train()
    with FlopCounterMode(display=False) as counter:
        twin(torch.from_numpy(images)).sum().backward()
    counted = counter.get_flop_counts()["Global"][torch.ops.aten.convolution]
    counted += counter.get_flop_counts()["Global"][torch.ops.aten.convolution_backward]
    assert convolution_flop(network, images) == counted


@pytest.mark.parametrize("batch", [8, batched_products.LEAST_BATCH])
def test_the_profile_accounts_for_the_whole_step_and_leaves_no_timers(
    network: NumpyCNN, batch: int
) -> None:
    images, labels = np.zeros((batch, 1, 28, 28), np.float32), np.arange(batch) % 10
    untimed = convolution.im2col, batched_products.lay_out
    *work, rate = profile(network, images, labels, repeats=2)
    assert sum(row["share"] for row in work) == pytest.approx(1)
    assert {"Convolution: gathering", "Convolution: matrix products", "BatchNorm"} <= {
        row["work"] for row in work
    }
    assert rate["value"] > 0
    assert (convolution.im2col, batched_products.lay_out) == untimed
    assert "forward" not in vars(network.layers["conv1"])
