"""Every function of zoo.explain on architectures that others wrote, left exactly as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models import convnext, segmentation

import zoo
from zoo import explain
from zoo.errors import ZooError
from zoo.networks.numpy_cnn import NumpyCNN

SIDE = 32
INPUT = np.random.default_rng(0).random((3, SIDE, SIDE), dtype=np.float32)
SMALL: dict[str, Any] = {"weights": None, "num_classes": 5}
BARE = {"weights": None, "weights_backbone": None, "num_classes": 5}

# Small ones of their kind, so that the suite stays fast.
MAKE: dict[str, Callable[[], nn.Module]] = {
    "resnet": lambda: models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], 5),
    "resnext": lambda: models.ResNet(
        models.resnet.Bottleneck, [1, 1, 1, 1], 5, groups=4, width_per_group=4
    ),
    "squeezenet": lambda: models.squeezenet1_1(**SMALL),
    "densenet": lambda: models.DenseNet(8, (2, 2), 16, num_classes=5),
    "mobilenet_v2": lambda: models.mobilenet_v2(**SMALL, width_mult=0.25),
    "mobilenet_v3": lambda: models.mobilenet_v3_small(**SMALL, width_mult=0.5),
    "shufflenet": lambda: models.shufflenet_v2_x0_5(**SMALL),
    "efficientnet": lambda: models.efficientnet_b0(**SMALL),
    "convnext": lambda: models.ConvNeXt(
        [convnext.CNBlockConfig(16, 32, 1), convnext.CNBlockConfig(32, None, 1)], num_classes=5
    ),
    "swin": lambda: models.SwinTransformer([4, 4], 16, [2, 2], [2, 2], [3, 3], num_classes=5),
    "vit": lambda: models.VisionTransformer(SIDE, 16, 2, 2, 32, 64, num_classes=5),
    "lraspp": lambda: segmentation.lraspp_mobilenet_v3_large(**BARE),
    "deeplabv3": lambda: segmentation.deeplabv3_mobilenet_v3_large(**BARE),
}
MAPS = ("lraspp", "deeplabv3")


@pytest.fixture(params=MAKE)
def network(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    network = MAKE[request.param]()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            module.running_mean.normal_(std=0.1)
    for parameter in network.parameters():
        if not parameter.any() and parameter.ndim > 1:  # a head that begins with zeros
            nn.init.normal_(parameter, std=0.1)
    network.name = request.param
    return network.train()


def snapshot(network: nn.Module) -> list[Any]:
    """Return all of a network that a caller could find changed."""
    found: list[Any] = [{name: v.clone() for name, v in network.state_dict().items()}]
    found.append([(p.requires_grad, p.grad, p.device, p.data_ptr()) for p in network.parameters()])
    for module in network.modules():
        hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
        found.append((module.training, [dict(h) for h in hooks], sorted(vars(module))))
    return found


def test_all_functions_on_networks_of_torchvision(network: nn.Module) -> None:
    before = snapshot(network)
    run = explain.trace(network, INPUT)
    check_arithmetic(run)
    check_receptive_fields(run, network)
    check_attribution(network)
    if run.skips:
        names = [run.skips[-1].joins]
        ablated = explain.ablate_skips(network, INPUT, names)
        whole = explain.ablate_skips(network, INPUT, [])
        np.testing.assert_allclose(whole, run[run.output], atol=1e-4, rtol=1e-3)
        assert np.abs(ablated - whole).max() > 0
    top = explain.top_activations(network, np.stack([INPUT, INPUT[:, ::-1]]))
    assert all(found.values.shape[0] == 2 for found in top.values())
    layer = next(layer for layer in run.layers if layer.kind == "convolution")
    made = explain.maximize_activation(network, layer.name, 1, (SIDE, SIDE), steps=2)
    assert made.shape == (SIDE, SIDE, 3)
    other = explain.trace(explain.randomized(network), INPUT)
    assert np.abs(other[other.output] - run[run.output]).max() > 0

    after = snapshot(network)
    assert all(torch.equal(before[0][name], after[0][name]) for name in before[0])
    assert before[1:] == after[1:]
    with torch.no_grad():
        answer = network.eval()(torch.from_numpy(INPUT)[None])
    answer = answer["out"] if isinstance(answer, dict) else answer
    np.testing.assert_allclose(run[run.output], answer[0].numpy(), atol=1e-4, rtol=1e-3)


def check_arithmetic(run: explain.Trace) -> None:
    """Every number is explained, or the sentence names the layer that is not known."""
    rng, explained, refused = np.random.default_rng(0), 0, []
    chosen = rng.choice(len(run.layers), min(16, len(run.layers)), replace=False)
    for layer in (run.layers[number] for number in chosen):
        place = [int(rng.integers(side)) for side in layer.shape[:3]]
        try:
            steps = explain.arithmetic(run, layer.name, *(place or [0]))
        except ZooError as error:
            refused.append(str(error))
            continue
        assert steps[-1].value == pytest.approx(
            float(run[layer.name][tuple(place)]), abs=1e-4, rel=1e-3
        )
        explained += 1
    names = [layer.name for layer in run.layers]
    assert all(any(name in sentence for name in names) for sentence in refused), refused
    assert explained >= len(chosen) * (0.3 if run.network.name in ("swin", "shufflenet") else 0.7)


def check_receptive_fields(run: explain.Trace, network: nn.Module) -> None:
    """The two ways agree, or the sentence says that only the gradient knows."""
    maps = [layer for layer in run.layers if len(layer.shape) == 3]
    for layer in maps[len(maps) // 3 :][:1]:
        row, column = (side // 2 for side in layer.shape[1:])
        measured = explain.receptive_field_by_gradient(network, INPUT, layer.name, row, column)
        try:
            assert explain.receptive_field(run, layer.name, row, column) == measured, layer
        except ZooError as error:
            assert "use receptive_field_by_gradient" in str(error)  # noqa: PT017


def check_attribution(network: nn.Module) -> None:
    layer = "backbone" if network.name in MAPS else None
    maps = [
        explain.integrated_gradients(network, INPUT, 1, steps=2),
        explain.occlusion(network, INPUT, 1, patch=16, stride=16, fill=None),
    ]
    if layer is None:
        maps.append(explain.grad_cam(network, INPUT, 1))
    else:  # its output is a dictionary of maps
        with pytest.raises(ZooError, match="'backbone' has no maps"):
            explain.grad_cam(network, INPUT, 1, layer)
        maps.append(explain.grad_cam(network, INPUT, 1, "backbone.0"))
    for found in maps:
        assert found.shape == (SIDE, SIDE)
        assert np.isfinite(found).all()
    if type(network).__name__ != "SqueezeNet":  # its answers end in a ReLU: untrained, all are zero
        assert np.abs(maps[0]).max() > 0  # probabilities of a deep untrained network hardly move


class Returns(nn.Module):
    """Two convolutions whose answers come in a form of one's choice."""

    def __init__(self, form: Callable[[Tensor, Tensor], Any]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.form = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3), form

    def forward(self, x: Tensor) -> Any:
        return self.form(self.a(x).mean((2, 3)), self.b(x).mean((2, 3)))


@pytest.mark.parametrize(
    "form",
    [
        lambda a, b: (a, b),
        lambda a, b: [a, b],
        lambda a, b: {"first": a, "second": b},
        lambda a, b: {"loss": b, "logits": a},
    ],
)
def test_of_several_answers_the_first_is_explained(form: Callable[[Tensor, Tensor], Any]) -> None:
    several, single = Returns(form), Returns(lambda a, _: a)
    for ask in (
        lambda n: explain.trace(n, INPUT)[explain.trace(n, INPUT).output],
        lambda n: explain.integrated_gradients(n, INPUT, 2, steps=3),
        lambda n: explain.grad_cam(n, INPUT, 2, "a"),
        lambda n: explain.occlusion(n, INPUT, 2, patch=16, stride=16),
        lambda n: explain.ablate_skips(n, INPUT, []),
    ):
        np.testing.assert_allclose(ask(several), ask(single), atol=1e-6)


def test_what_cannot_be_explained_is_refused_in_a_sentence() -> None:
    nothing = Returns(lambda a, b: [{"boxes": a}])
    for ask in (explain.trace, explain.integrated_gradients, explain.grad_cam, explain.occlusion):
        with pytest.raises(ZooError, match=r"answers with list of dict; a tensor, or a tuple"):
            ask(nothing, INPUT)
    steps = Returns(lambda a, b: a.round().detach() + 0)
    for ask in (explain.integrated_gradients, explain.grad_cam):
        with pytest.raises(ZooError, match=r"no gradient to follow: it ends at add"):
            ask(steps, INPUT)
    with pytest.raises(ZooError, match=r"last layer that could be followed is mean:2"):
        explain.trace(Returns(lambda a, b: torch.zeros(1, 4)), INPUT)
    with pytest.raises(ZooError, match=r"does not depend on the maps of 'b'"):
        explain.grad_cam(Returns(lambda a, b: a), INPUT, 0, "b")
    with pytest.raises(ZooError, match=r"answer has the shape \(4, 7\)"):
        explain.occlusion(Returns(lambda a, b: a[..., None].expand(-1, -1, 7)), INPUT)
    with pytest.raises(ZooError, match=r"takes inputs of \(1, 28, 28\), not \(3, 32, 32\)"):
        explain.occlusion(NumpyCNN(channels=(2,)), INPUT)


def test_a_network_with_one_logit_is_explained_by_its_probability() -> None:
    network = nn.Sequential(nn.Conv2d(3, 1, SIDE), nn.Flatten())
    drop = explain.occlusion(network, INPUT, 0, patch=SIDE, stride=1)
    with torch.no_grad():
        black, image = (
            torch.sigmoid(network(x)).item()
            for x in (torch.zeros(1, 3, SIDE, SIDE), torch.from_numpy(INPUT)[None])
        )
    np.testing.assert_allclose(drop, image - black, atol=1e-6)


def test_grad_cam_of_a_bare_network_is_that_of_the_model() -> None:
    model = zoo.load("cifar10", source="bundle", device="cpu")
    photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    expected = explain.grad_cam(model, photo, "cat")
    found = explain.grad_cam(model.network, model.preprocess(photo), model.labels.index("cat"))
    np.testing.assert_array_equal(found, expected)


def test_a_model_with_random_weights_answers_with_them() -> None:
    model = zoo.load("cifar10", source="bundle", device="cpu")
    photo = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    trained = model.predict(photo).logits  # from now on the model has a fast copy
    assert np.abs(explain.randomized(model).predict(photo).logits - trained).max() > 0.1
