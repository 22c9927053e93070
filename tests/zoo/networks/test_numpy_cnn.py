"""The whole NumPy network against its PyTorch twin."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch import nn

from zoo.networks import build
from zoo.networks.numpy_cnn import SGD, NumpyCNN, parallel, softmax_cross_entropy
from zoo.networks.numpy_cnn.network import NORMS


@pytest.mark.parametrize(
    ("in_channels", "norm"),
    [(1, "batch"), (3, "batch"), (1, "group"), (1, "layer"), (3, "none")],
)
def test_training_steps_agree_with_torch(
    in_channels: int, norm: str, rng: np.random.Generator
) -> None:
    network = NumpyCNN(in_channels, channels=(4, 8, 8), norm=norm, seed=3)
    twin = network.to_torch().train()
    optimizer = SGD(network.parameters, momentum=0.9, weight_decay=1e-3)
    weights = [p for p in twin.parameters() if p.ndim > 1]
    others = [p for p in twin.parameters() if p.ndim == 1]
    reference = torch.optim.SGD(
        [{"params": weights, "weight_decay": 1e-3}, {"params": others, "weight_decay": 0}],
        lr=0.05,
        momentum=0.9,
        nesterov=True,
    )
    for _ in range(3):
        x = rng.standard_normal((16, in_channels, 28, 28)).astype(np.float32)
        labels = rng.integers(0, 10, 16)
        loss, dlogits = softmax_cross_entropy(network.forward(x, training=True), labels, 0.1)
        network.backward(dlogits)
        optimizer.step(network.gradients, 0.05)

        reference.zero_grad()
        expected = nn.functional.cross_entropy(
            twin(torch.from_numpy(x)), torch.from_numpy(labels), label_smoothing=0.1
        )
        expected.backward()
        reference.step()
        assert loss == pytest.approx(expected.item(), rel=1e-5)
    for name, tensor in twin.state_dict().items():
        ours = network.state_dict()[name]
        np.testing.assert_allclose(ours, tensor.numpy(), rtol=1e-3, atol=2e-5, err_msg=name)


def test_twin_gives_the_same_logits_and_shares_nothing(rng: np.random.Generator) -> None:
    network = trained_a_little(rng)
    twin = network.to_torch()
    x = rng.standard_normal((32, 1, 28, 28)).astype(np.float32)
    before = network.forward(x)
    np.testing.assert_allclose(before, twin(torch.from_numpy(x)).detach().numpy(), atol=1e-5)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    np.testing.assert_array_equal(network.forward(x), before)


def test_activations_are_the_torch_layers_outputs(rng: np.random.Generator) -> None:
    network = trained_a_little(rng)
    x = rng.standard_normal((2, 1, 28, 28)).astype(np.float32)
    activations = network.activations(x)
    y = torch.from_numpy(x)
    for name, module in network.to_torch().named_children():
        y = module(y)
        if name in activations:
            np.testing.assert_allclose(activations[name], y.detach().numpy(), atol=1e-5)
    assert list(activations) == [
        f"{kind}{block}" for block in (1, 2) for kind in ("conv", "pool", "bn", "relu")
    ] + ["linear"]


def trained_a_little(rng: np.random.Generator) -> NumpyCNN:
    """Return a network whose BatchNorm statistics are not the initial ones."""
    network = NumpyCNN(channels=(4, 8), dropout=0.2)
    optimizer = SGD(network.parameters)
    for _ in range(3):
        x = rng.standard_normal((8, 1, 28, 28)).astype(np.float32) + 1
        logits = network.forward(x, training=True)
        network.backward(softmax_cross_entropy(logits, rng.integers(0, 10, 8))[1])
        optimizer.step(network.gradients, 0.05)
    return network


def test_learns_a_small_batch_by_heart(rng: np.random.Generator) -> None:
    network = NumpyCNN(channels=(8, 16))
    optimizer = SGD(network.parameters)
    x, labels = rng.standard_normal((64, 1, 28, 28)).astype(np.float32), rng.integers(0, 10, 64)
    for _ in range(40):
        _, dlogits = softmax_cross_entropy(network.forward(x, training=True), labels)
        network.backward(dlogits)
        optimizer.step(network.gradients, 0.05)
    assert (network.forward(x).argmax(axis=1) == labels).all()


def test_results_do_not_depend_on_the_number_of_threads(rng: np.random.Generator) -> None:
    x = rng.standard_normal((64, 1, 28, 28)).astype(np.float32)
    labels = rng.integers(0, 10, 64)
    threads = parallel.get_threads()
    results = []
    try:
        for count in (1, 3):
            parallel.set_threads(count)
            network = NumpyCNN(channels=(8, 16))
            _, dlogits = softmax_cross_entropy(network.forward(x, training=True), labels)
            network.backward(dlogits)
            results.append(network.gradients)
    finally:
        parallel.set_threads(threads)
    for name, gradient in results[0].items():
        np.testing.assert_array_equal(gradient, results[1][name], err_msg=name)


def test_one_network_serves_several_threads_at_once(rng: np.random.Generator) -> None:
    network = trained_a_little(rng)
    images = rng.standard_normal((8, 4, 1, 28, 28)).astype(np.float32)
    expected = [network.forward(x) for x in images]
    wrong: list[int] = []

    def visitor(index: int) -> None:
        for _ in range(20):
            if not np.array_equal(network.forward(images[index]), expected[index]):
                wrong.append(index)

    visitors = [threading.Thread(target=visitor, args=(index,)) for index in range(8)]
    for thread in visitors:
        thread.start()
    for thread in visitors:
        thread.join()
    assert not wrong


def test_the_norm_is_chosen_by_name() -> None:
    names = {norm: list(NumpyCNN(channels=(4,), norm=norm).layers) for norm in NORMS}
    assert names == {
        "batch": ["conv1", "pool1", "bn1", "relu1", "flatten", "linear"],
        "group": ["conv1", "pool1", "gn1", "relu1", "flatten", "linear"],
        "layer": ["conv1", "pool1", "ln1", "relu1", "flatten", "linear"],
        "none": ["conv1", "pool1", "relu1", "flatten", "linear"],
    }
    assert "conv1.bias" in NumpyCNN(channels=(4,), norm="none").parameters
    assert "conv1.bias" not in NumpyCNN(channels=(4,)).parameters
    with pytest.raises(ValueError, match="norm is one of"):
        NumpyCNN(norm="weight")


def test_state_is_refused_whole_if_anything_does_not_fit() -> None:
    network = NumpyCNN(channels=(4,))
    before = network.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    with pytest.raises(ValueError, match=r"missing \['conv1.weight'\]"):
        network.load_state_dict({k: v for k, v in state.items() if k != "conv1.weight"})
    with pytest.raises(ValueError, match=r"unknown \['extra'\]"):
        network.load_state_dict(state | {"extra": np.zeros(1)})
    with pytest.raises(ValueError, match=r"linear.bias is \(3,\), not \(10,\)"):
        network.load_state_dict(state | {"linear.bias": np.zeros(3)})
    for name, array in network.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    network.load_state_dict(state)
    np.testing.assert_array_equal(network.state_dict()["conv1.weight"], state["conv1.weight"])


def test_wrong_images_get_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"must be \(N, 1, 28, 28\), not \(1, 28, 28\)"):
        NumpyCNN(channels=(4,)).forward(np.zeros((1, 28, 28), np.float32))
    with pytest.raises(ValueError, match="shrink a 28 px image to nothing"):
        NumpyCNN(channels=(2,) * 5)


def test_build_follows_the_config_and_refuses_an_unknown_architecture() -> None:
    arguments = {"in_channels": 3, "size": 32, "channels": [4, 6], "classes": 7}
    network = build({"architecture": "numpy_cnn", "arguments": arguments})
    assert network.forward(np.zeros((1, 3, 32, 32), np.float32)).shape == (1, 7)
    with pytest.raises(ValueError, match="'lenet9000' is unknown"):
        build({"architecture": "lenet9000"})


def test_the_network_needs_numpy_alone() -> None:
    code = (
        "import sys, numpy as np; from zoo.networks import build; "
        "n = build({'architecture': 'numpy_cnn', 'arguments': {}}); "
        "n.forward(np.zeros((1, 1, 28, 28), np.float32)); "
        "print([m for m in ('torch', 'scipy', 'streamlit', 'training') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
