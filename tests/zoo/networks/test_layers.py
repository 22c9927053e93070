"""Every layer against finite differences (float64) and against PyTorch autograd (float32)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from tests.zoo.networks.torch_layers import layer_to_torch
from zoo.networks.numpy_cnn import (
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    GroupNorm,
    Layer,
    LayerNorm,
    Linear,
    MaxPooling,
    ReLU,
    softmax_cross_entropy,
)

MakeLayer = Callable[[type], Layer]


def convolution(**arguments: int) -> MakeLayer:
    return lambda dtype: Convolution(
        **{"in_channels": 3, "out_channels": 4, "kernel": 3} | arguments,
        rng=np.random.default_rng(1),
        dtype=dtype,
    )


def batch_norm(dtype: type) -> Layer:
    layer = BatchNorm(3, dtype=dtype)
    layer.parameters["weight"][:] = [0.5, 1.5, -2.0]
    layer.parameters["bias"][:] = [0.1, -0.2, 0.3]
    return layer


def group_norm(groups: int) -> MakeLayer:
    def make(dtype: type) -> Layer:
        layer = GroupNorm(groups, 6, dtype=dtype)
        layer.parameters["weight"][:] = [0.5, 1.5, -2.0, 1.0, 0.1, 3.0]
        layer.parameters["bias"][:] = [0.1, -0.2, 0.3, 0.0, 2.0, -1.0]
        return layer

    return make


def layer_norm(dtype: type) -> Layer:
    layer = LayerNorm(3, dtype=dtype)
    layer.parameters["weight"][:] = [0.5, 1.5, -2.0]
    layer.parameters["bias"][:] = [0.1, -0.2, 0.3]
    return layer


# name → how to make the layer, and the input's shape in the layer's layout (batch last)
LAYERS: dict[str, tuple[MakeLayer, tuple[int, ...]]] = {
    "convolution": (convolution(), (3, 6, 7, 5)),
    "convolution 5x5, one channel": (convolution(in_channels=1, kernel=5), (1, 8, 8, 3)),
    "convolution, padding": (convolution(padding=1), (3, 5, 5, 4)),
    "convolution, padding 2": (convolution(padding=2), (3, 4, 5, 2)),
    "convolution, stride": (convolution(stride=2), (3, 8, 7, 3)),
    "convolution, stride and padding": (convolution(stride=2, padding=1), (3, 8, 7, 3)),
    "convolution, stride 3, bias": (convolution(stride=3, padding=2, bias=True), (3, 7, 8, 2)),
    "convolution 1x1": (convolution(kernel=1), (3, 4, 4, 2)),
    "max pooling": (lambda _: MaxPooling(2), (3, 6, 8, 4)),
    "max pooling, odd size": (lambda _: MaxPooling(2), (2, 7, 5, 3)),
    "max pooling 3x3": (lambda _: MaxPooling(3), (2, 7, 9, 3)),
    "batch norm": (batch_norm, (3, 4, 5, 6)),
    "group norm, 1 group": (group_norm(1), (6, 3, 4, 5)),
    "group norm, 2 groups": (group_norm(2), (6, 3, 4, 5)),
    "group norm, a group a channel": (group_norm(6), (6, 3, 4, 5)),
    "layer norm": (layer_norm, (3, 4, 5, 6)),
    "relu": (lambda _: ReLU(), (3, 4, 5, 6)),
    "linear": (lambda dtype: Linear(7, 4, rng=np.random.default_rng(1), dtype=dtype), (7, 5)),
    "flatten": (lambda _: Flatten(), (3, 2, 4, 5)),
}


@pytest.fixture(params=LAYERS)
def case(request: pytest.FixtureRequest) -> tuple[MakeLayer, tuple[int, ...]]:
    return LAYERS[request.param]


def difference_quotient(f: Callable[[], float], array: NDArray, h: float = 1e-6) -> NDArray:
    """∂f/∂array, element by element, by central differences."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + h
        above = f()
        array[index] = kept - h
        below = f()
        array[index] = kept
        gradient[index] = (above - below) / (2 * h)
    return gradient


def test_gradients_agree_with_finite_differences(
    case: tuple[MakeLayer, tuple[int, ...]], rng: np.random.Generator
) -> None:
    make, shape = case
    layer = make(np.float64)
    x = rng.standard_normal(shape)
    weights = rng.standard_normal(layer.forward(x, training=True).shape)

    def loss() -> float:
        return float((layer.forward(x, training=True) * weights).sum())

    expected = {name: difference_quotient(loss, p) for name, p in layer.parameters.items()}
    expected_dx = difference_quotient(loss, x)
    loss()
    dx = layer.backward(weights.copy())

    np.testing.assert_allclose(dx, expected_dx, rtol=1e-6, atol=1e-7)
    assert layer.gradients.keys() == layer.parameters.keys()
    for name, gradient in layer.gradients.items():
        np.testing.assert_allclose(gradient, expected[name], rtol=1e-6, atol=1e-7)


def test_output_and_gradients_agree_with_torch(
    case: tuple[MakeLayer, tuple[int, ...]], rng: np.random.Generator
) -> None:
    make, shape = case
    layer = make(np.float32)
    twin = layer_to_torch(layer).train()
    for name, parameter in twin.named_parameters():
        parameter.data = torch.from_numpy(layer.parameters[name].copy())
    x = rng.standard_normal(shape).astype(np.float32)
    torch_x = torch.from_numpy(np.moveaxis(x, -1, 0).copy()).requires_grad_()

    y = layer.forward(x, training=True)
    torch_y = twin(torch_x)
    assert relative_error(np.moveaxis(y, -1, 0), torch_y) <= 1e-5

    dy = rng.standard_normal(y.shape).astype(np.float32)
    torch_y.backward(torch.from_numpy(np.moveaxis(dy, -1, 0).copy()))
    dx = layer.backward(dy)
    assert torch_x.grad is not None
    assert dx is not None
    assert relative_error(np.moveaxis(dx, -1, 0), torch_x.grad) <= 1e-5
    for name, parameter in twin.named_parameters():
        assert relative_error(layer.gradients[name], parameter.grad) <= 1e-5


def relative_error(ours: NDArray, theirs: torch.Tensor | None) -> float:
    """‖ours − theirs‖ / ‖theirs‖."""
    assert theirs is not None
    reference = theirs.detach().numpy()
    assert ours.shape == reference.shape
    return float(np.linalg.norm(ours - reference) / np.linalg.norm(reference))


def test_tied_maxima_send_the_gradient_where_torch_does() -> None:
    x = np.zeros((1, 4, 4, 1), np.float32)
    x[0, 2, 3] = x[0, 3, 2] = 1
    layer = MaxPooling(2)
    layer.forward(x, training=True)
    dx = layer.backward(np.ones((1, 2, 2, 1), np.float32))

    torch_x = torch.from_numpy(np.moveaxis(x, -1, 0).copy()).requires_grad_()
    nn.MaxPool2d(2)(torch_x).sum().backward()
    np.testing.assert_array_equal(np.moveaxis(dx, -1, 0), torch_x.grad)


def test_batch_norm_buffers_agree_with_torch_after_several_steps(rng: np.random.Generator) -> None:
    layer, twin = BatchNorm(5), nn.BatchNorm2d(5)
    for _ in range(7):
        x = (rng.standard_normal((5, 3, 4, 6)) * 3 + 2).astype(np.float32)
        layer.forward(x, training=True)
        twin(torch.from_numpy(np.moveaxis(x, -1, 0).copy()))
    for name, buffer in twin.named_buffers():
        np.testing.assert_allclose(layer.buffers[name], buffer.numpy(), rtol=1e-5)
    x = rng.standard_normal((5, 3, 4, 2)).astype(np.float32)
    evaluated = twin.eval()(torch.from_numpy(np.moveaxis(x, -1, 0).copy()))
    np.testing.assert_allclose(
        np.moveaxis(layer.forward(x), -1, 0), evaluated.detach().numpy(), rtol=1e-4, atol=1e-5
    )


def test_batch_norm_refuses_to_train_on_a_single_value() -> None:
    with pytest.raises(ValueError, match="more than one value"):
        BatchNorm(2).forward(np.zeros((2, 1, 1, 1), np.float32), training=True)


def test_layer_norm_is_torchs_layer_norm_over_the_whole_image(rng: np.random.Generator) -> None:
    x = (rng.standard_normal((4, 3, 5, 6)) * 3 + 2).astype(np.float32)
    images = torch.from_numpy(np.moveaxis(x, -1, 0).copy())
    expected = nn.functional.layer_norm(images, (4, 3, 5))
    for training in (True, False):
        y = np.moveaxis(LayerNorm(4).forward(x, training), -1, 0)
        np.testing.assert_allclose(y, expected.numpy(), atol=1e-5)


def test_group_norm_does_not_depend_on_the_rest_of_the_batch(rng: np.random.Generator) -> None:
    x = rng.standard_normal((6, 4, 4, 5)).astype(np.float32)
    layer = group_norm(3)(np.float32)
    together = layer.forward(x, training=True).copy()
    np.testing.assert_allclose(together[..., 2:3], layer.forward(x[..., 2:3]), atol=1e-6)


def test_group_norm_refuses_groups_that_do_not_divide_the_channels() -> None:
    with pytest.raises(ValueError, match="do not split into 4"):
        GroupNorm(4, 6)
    with pytest.raises(ValueError, match="takes 6 channels"):
        GroupNorm(2, 6).forward(np.zeros((5, 2, 2, 1), np.float32))


def test_dropout_keeps_the_mean_and_lets_gradients_through_where_values_passed() -> None:
    layer = Dropout(0.25, np.random.default_rng(0))
    x = np.ones((100, 1000), np.float32)
    y = layer.forward(x, training=True)
    assert np.isclose((y == 0).mean(), 0.25, atol=0.01)
    assert np.isclose(y.mean(), 1, atol=0.01)
    np.testing.assert_array_equal(layer.backward(np.ones_like(x)), y)
    np.testing.assert_array_equal(layer.forward(x), x)


def test_dropout_refuses_a_probability_outside_its_range() -> None:
    with pytest.raises(ValueError, match="in \\[0, 1\\)"):
        Dropout(1.0, np.random.default_rng(0))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_agrees_with_torch_even_for_huge_logits(
    smoothing: float, rng: np.random.Generator
) -> None:
    logits = (rng.standard_normal((8, 5)) * 100).astype(np.float32)
    labels = rng.integers(0, 5, 8)
    torch_logits = torch.from_numpy(logits).requires_grad_()
    expected = nn.functional.cross_entropy(
        torch_logits, torch.from_numpy(labels), label_smoothing=smoothing
    )
    expected.backward()
    loss, gradient = softmax_cross_entropy(logits, labels, smoothing)
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    np.testing.assert_allclose(gradient, torch_logits.grad, atol=1e-7)


@pytest.mark.parametrize("labels", [np.array([0, 5]), np.array([-1, 0]), np.array([0])])
def test_loss_refuses_labels_that_do_not_exist(labels: NDArray) -> None:
    with pytest.raises(ValueError, match="labels from 0 to 4"):
        softmax_cross_entropy(np.zeros((2, 5), np.float32), labels)


@pytest.mark.parametrize(
    "layer",
    [convolution()(np.float32), MaxPooling(), BatchNorm(3), LayerNorm(3), ReLU(), Flatten()],
    ids=lambda layer: type(layer).__name__,
)
def test_backward_without_forward_says_so(layer: Layer) -> None:
    with pytest.raises(RuntimeError, match="needs forward"):
        layer.backward(np.zeros((3, 4, 4, 2), np.float32))


def test_wrong_shapes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="takes 3 channels"):
        convolution()(np.float32).forward(np.zeros((2, 8, 8, 1), np.float32))
    with pytest.raises(ValueError, match="takes 3 channels"):
        convolution()(np.float32).forward(np.zeros((3, 2, 2, 1), np.float32))
    with pytest.raises(ValueError, match="takes 7 features"):
        LAYERS["linear"][0](np.float32).forward(np.zeros((6, 1), np.float32))
    with pytest.raises(ValueError, match="at least 2x2"):
        MaxPooling(2).forward(np.zeros((3, 1, 4, 1), np.float32))
