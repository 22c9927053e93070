"""Grad-CAM and occlusion against captum, on a tiny network that is never trained."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam, Occlusion
from torch import nn

import zoo
from zoo.errors import ZooError
from zoo.explain import grad_cam, occlusion
from zoo.networks.cifar_net import CifarNet
from zoo.networks.numpy_cnn import NumpyCNN

LABELS = ["one", "two", "three"]
SIZE = {
    "kind": "crop", "channels": 3, "height": 32, "width": 32,
    "mean": [0.5, 0.4, 0.3], "std": [0.25, 0.3, 0.2],
}  # fmt: skip


def classifier(network: nn.Module) -> zoo.Classifier:
    config = {"preprocessing": SIZE, "labels": LABELS}
    return zoo.Classifier("tiny", config, {}, network.eval())


@pytest.fixture
def model() -> zoo.Classifier:
    torch.manual_seed(0)
    network = CifarNet(widths=(4, 8, 8), depth=3, classes=3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # statistics that make a difference
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.8, 1.2)
    return classifier(network)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("layer", ["block1.conv2", "block2", "block3.act3"])
def test_grad_cam_agrees_with_captum(model: zoo.Classifier, image: np.ndarray, layer: str) -> None:
    inputs = torch.from_numpy(model.preprocess(image)[None])
    captum = LayerGradCam(model.network, model.network.get_submodule(layer))
    maps = [grad_cam(model, image, target, layer) for target in range(3)]
    assert np.max(maps) > 0  # for some class there is evidence
    for target, ours in enumerate(maps):
        theirs = captum.attribute(inputs, target=target, relu_attributions=True)
        theirs = LayerAttribution.interpolate(theirs, (32, 32), "bilinear")[0, 0].detach().numpy()
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, atol=1e-6, rtol=1e-4)


def test_grad_cam_takes_the_predicted_class_and_the_last_maps_by_default(
    model: zoo.Classifier, image: np.ndarray
) -> None:
    label = model.predict(image).label
    expected = grad_cam(model, image, label, "block3")
    np.testing.assert_array_equal(grad_cam(model, image), expected)


def test_grad_cam_works_where_every_weight_is_frozen(
    model: zoo.Classifier, image: np.ndarray
) -> None:
    expected = grad_cam(model, image, 1, "block1")
    model.network.requires_grad_(False)
    np.testing.assert_allclose(grad_cam(model, image, 1, "block1"), expected)


def test_grad_cam_finds_the_place_that_the_class_depends_on(image: np.ndarray) -> None:
    class Corner(nn.Module):
        """Class "two" is the brightness of the lower right quarter."""

        def __init__(self) -> None:
            super().__init__()
            self.maps = nn.Conv2d(3, 3, 1, bias=False)
            self.maps.weight.data.fill_(1 / 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            score = self.maps(x)[:, :, 16:, 16:].mean(dim=(1, 2, 3))
            return torch.stack([-score, score, 0 * score], dim=1)

    image[:] = 0
    image[20:28, 20:28] = 255
    found = grad_cam(classifier(Corner()), image, "two")
    assert (found[21:27, 21:27] > 0).all()
    assert found[:16, :16].max() == 0


@pytest.mark.parametrize(
    ("target", "layer"), [("four", None), (3, None), (None, "block9"), (None, "head")]
)
def test_grad_cam_leaves_no_hooks_and_no_gradients_behind(
    model: zoo.Classifier, image: np.ndarray, target: int | str | None, layer: str | None
) -> None:
    with pytest.raises(ZooError):
        grad_cam(model, image, target, layer)
    grad_cam(model, image)
    for module in model.network.modules():
        assert not module._forward_hooks
        assert not module._backward_hooks
    assert all(parameter.grad is None for parameter in model.network.parameters())


def test_grad_cam_of_a_network_without_maps_says_so(image: np.ndarray) -> None:
    flat = classifier(nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 3)))
    with pytest.raises(ZooError, match="no layer with maps"):
        grad_cam(flat, image)


def test_grad_cam_of_a_numpy_network_is_that_of_its_twin() -> None:
    network = NumpyCNN(channels=[2, 4])
    size = {"kind": "mnist_digit", "channels": 1, "height": 28, "width": 28}
    size |= {"mean": [0.1], "std": [0.3]}
    config = {"preprocessing": size, "labels": list("0123456789")}
    digit = np.zeros((28, 28), np.uint8)
    digit[6:22, 12:15] = 255
    ours = grad_cam(zoo.Classifier("mnist", config, {}, network), digit, 3)
    twin = grad_cam(zoo.Classifier("mnist", config, {}, network.to_torch().eval()), digit, 3)
    assert ours.shape == (28, 28)
    np.testing.assert_array_equal(ours, twin)


def test_two_threads_do_not_disturb_each_other(model: zoo.Classifier, image: np.ndarray) -> None:
    expected = grad_cam(model, image, 0)
    stop = threading.Event()

    def others() -> None:
        while not stop.is_set():
            model.predict(image[::-1])

    busy = threading.Thread(target=others)
    busy.start()
    try:
        for _ in range(20):
            np.testing.assert_allclose(grad_cam(model, image, 0), expected, rtol=1e-5)
    finally:
        stop.set()
        busy.join()


def test_occlusion_by_the_mean_colour_agrees_with_captum(
    model: zoo.Classifier, image: np.ndarray
) -> None:
    inputs = torch.from_numpy(model.preprocess(image)[None])

    def probability(x: torch.Tensor) -> torch.Tensor:
        return model.network(x).softmax(dim=1)

    theirs = Occlusion(probability).attribute(
        inputs,
        sliding_window_shapes=(3, 8, 8),
        strides=(3, 4, 4),
        target=1,
        baselines=0,  # the mean colour, normalized
        perturbations_per_eval=16,
    )
    ours = occlusion(model, image, 1, patch=8, stride=4, fill=None)
    np.testing.assert_allclose(ours, theirs[0].mean(dim=0).numpy(), atol=1e-6)
