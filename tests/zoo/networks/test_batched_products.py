"""A whole batch's convolution: the sums of the plain form, and those of PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from zoo.networks.numpy_cnn import batched_products, convolution, parallel
from zoo.networks.numpy_cnn.convolution import Convolution

BATCH = batched_products.LEAST_BATCH
# C, O, H, k, s, p
SHAPES = [
    (1, 4, 9, 5, 1, 0),
    (3, 5, 8, 3, 1, 1),
    (16, 7, 9, 3, 2, 1),
    (12, 6, 7, 3, 1, 0),
    (2, 3, 6, 3, 2, 2),
    (33, 4, 5, 1, 1, 0),
    (20, 8, 10, 5, 3, 2),
]


@pytest.mark.parametrize(("inputs", "outputs", "size", "kernel", "stride", "padding"), SHAPES)
def test_both_passes_are_those_of_pytorch(
    inputs: int, outputs: int, size: int, kernel: int, stride: int, padding: int
) -> None:
    rng = np.random.default_rng(0)
    layer = Convolution(
        inputs, outputs, kernel, stride=stride, padding=padding, rng=rng, dtype=np.float64
    )
    x = rng.standard_normal((inputs, size, size + 1, BATCH))
    y = layer.forward(x, training=True)
    dy = rng.standard_normal(y.shape)
    dx = layer.backward(dy)

    def batch_first(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.moveaxis(array, -1, 0).copy())

    there = batch_first(x).requires_grad_()
    weight = torch.from_numpy(layer.parameters["weight"].copy()).requires_grad_()
    expected = torch.nn.functional.conv2d(there, weight, stride=stride, padding=padding)
    expected.backward(batch_first(dy))
    torch.testing.assert_close(batch_first(y), expected.detach())
    assert there.grad is not None
    assert weight.grad is not None
    torch.testing.assert_close(batch_first(dx), there.grad)
    torch.testing.assert_close(torch.from_numpy(layer.gradients["weight"]), weight.grad)


@pytest.mark.parametrize(("inputs", "outputs", "size", "kernel", "stride", "padding"), SHAPES)
def test_it_is_the_plain_form_to_rounding(
    inputs: int, outputs: int, size: int, kernel: int, stride: int, padding: int, monkeypatch
) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((inputs, size, size, BATCH))
    weight = rng.standard_normal((outputs, inputs, kernel, kernel))
    side = (size + 2 * padding - kernel) // stride + 1
    fast, plain = np.empty((2, outputs, side, side, BATCH))
    batched_products.convolve(x, weight, stride, padding, fast)
    gradient = batched_products.weight_gradient(x, fast, kernel, stride, padding)
    monkeypatch.setattr(convolution, "LEAST_BATCH", BATCH + 1)
    convolution.convolve(x, weight, stride, padding, plain)
    np.testing.assert_allclose(fast, plain, atol=1e-11)
    np.testing.assert_allclose(
        gradient, convolution.weight_gradient(x, fast, kernel, stride, padding), atol=1e-9
    )


def test_the_number_of_threads_changes_no_bit() -> None:
    rng = np.random.default_rng(0)
    before, found = parallel.get_threads(), []
    x = rng.standard_normal((32, 12, 12, BATCH), np.float32)
    weight = rng.standard_normal((64, 32, 3, 3), np.float32)
    dy = rng.standard_normal((64, 12, 12, BATCH), np.float32)
    try:
        for threads in (1, 2, 5):
            parallel.set_threads(threads)
            y = np.empty_like(dy)
            convolution.convolve(x, weight, 1, 1, y)
            found.append((y.tobytes(), convolution.weight_gradient(x, dy, 3, 1, 1).tobytes()))
    finally:
        parallel.set_threads(before)
    assert found[0] == found[1] == found[2]
