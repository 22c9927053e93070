from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from tests.zoo.explain import networks
from zoo.errors import ZooError
from zoo.explain import arithmetic, softmax_step
from zoo.explain.operations import Maximum, Normalization, Sum, WeightedSum
from zoo.explain.subject import trace
from zoo.samples import samples


def check(run: zoo.explain.Trace, layer: str, place: list[int]) -> tuple:
    steps = arithmetic(run, layer, *place)
    for step in steps:
        assert step.value == pytest.approx(step.found, rel=1e-5, abs=1e-5), step
        assert step.found == pytest.approx(float(run[step.layer][step.place]))
    assert steps[-1].layer == layer
    return steps


@pytest.mark.parametrize("name", networks.SHAPES)
def test_every_step_comes_to_the_networks_value(name: str) -> None:
    run, rng = trace(*networks.make(name)), np.random.default_rng(3)
    for layer in run.layers:
        for _ in range(4):
            check(run, layer.name, [int(rng.integers(side)) for side in layer.shape])


@pytest.mark.parametrize("seed", range(12))
def test_random_convolutions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = int(rng.integers(1, 4))
    kernel, stride, dilation = (tuple(int(v) for v in rng.integers(1, 4, 2)) for _ in range(3))
    padding = tuple(int(v) for v in rng.integers(0, 4, 2))
    mode = ("zeros", "reflect", "replicate", "circular")[seed % 4]
    convolution = nn.Conv2d(
        3 * groups,
        2 * groups,
        kernel,
        stride,
        padding,
        dilation,
        groups,
        bias=bool(seed % 2),
        padding_mode=mode,
    )
    run = trace(convolution, rng.standard_normal((3 * groups, 17, 14)).astype(np.float32))
    shape = run["0"].shape
    for place in (np.zeros(3, int), np.array(shape) - 1, rng.integers(np.zeros(3, int), shape)):
        (step,) = check(run, "0", [int(p) for p in place])
        assert isinstance(step, WeightedSum)
        assert step.products.shape == step.inputs.shape == step.weights.shape == (3, *kernel)
        assert step.products.sum() + step.bias == pytest.approx(step.value)


def test_a_patch_is_the_part_of_the_map_that_its_rows_and_columns_say() -> None:
    run = trace(*networks.make("objects"))
    (step,) = arithmetic(run, "block2.conv2", 1, 0, 3)
    assert isinstance(step, WeightedSum)
    assert step.rows.tolist() == [-1, 0, 1]
    assert step.columns.tolist() == [2, 3, 4]
    assert not step.inputs[:, 0].any()
    source = run[step.source]
    np.testing.assert_array_equal(step.inputs[:, 1:], source[:, 0:2, 2:5])


def test_the_shipped_digit_network_from_patch_to_probability() -> None:
    model = zoo.load("mnist", source="bundle", device="cpu")
    run = trace(model, samples("digits")[7].path)
    convolution, pooling, norm, relu = check(run, "relu2", [5, 4, 3])
    assert isinstance(pooling, Maximum)
    assert (convolution.place[1:]) == pooling.winner
    assert pooling.value == pytest.approx(convolution.value, rel=1e-5, abs=1e-5)
    assert isinstance(norm, Normalization)
    assert norm.x == pytest.approx(pooling.found)
    assert relu.value == max(0.0, relu.x)
    answer = model.predict(samples("digits")[7].path)
    step = softmax_step(run, answer.index)
    assert step.value == pytest.approx(answer.confidence, rel=1e-5)
    assert step.exponentials.sum() * step.value == pytest.approx(step.exponentials[answer.index])


def test_numpy_and_its_twin_are_explained_alike() -> None:
    network, inputs = networks.make("digits")
    ours = arithmetic(trace(network, inputs), "relu2", 2, 1, 1)
    theirs = arithmetic(trace(network.to_torch(), inputs), "relu2", 2, 1, 1)
    assert [s.kind for s in ours] == [s.kind for s in theirs]
    np.testing.assert_allclose([s.value for s in ours], [s.value for s in theirs], atol=1e-5)


def test_a_residual_connection_is_a_sum_of_two() -> None:
    run = trace(*networks.make("objects"))
    first, last = arithmetic(run, "block1.act3", 2, 5, 5)
    assert isinstance(first, Sum)
    assert first.sources == ("block1.bn3", "block1.act1")
    assert last.kind == "activation"


def test_what_has_no_arithmetic_here_says_so() -> None:
    class Square(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.square()

    run = trace(nn.Sequential(Square()), np.ones((1, 4, 4), np.float32))
    with pytest.raises(ZooError, match=r"arithmetic of 0 \(Square\) is not known here"):
        arithmetic(run, "0", 0, 1, 1)
    with pytest.raises(ZooError, match="channels 0 to 0, not 5"):
        arithmetic(run, "0", 5, 1, 1)
    with pytest.raises(ZooError, match="no class 0"):
        softmax_step(run, 0)
