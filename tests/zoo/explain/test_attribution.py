from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients, Occlusion
from torch import nn

import zoo
from tests.zoo.explain import networks
from zoo.errors import ZooError
from zoo.explain import (
    ablate_skips,
    integrated_gradients,
    occlusion,
    randomized,
    sanity_check,
    skips,
)
from zoo.explain.activation_maximization import maximize_activation
from zoo.samples import samples


@pytest.fixture(scope="module")
def digits() -> zoo.Classifier:
    return zoo.load("mnist", source="bundle", device="cpu")


SEVEN = samples("digits")[7].path


def test_integrated_gradients_are_captums() -> None:
    network, inputs = networks.make("objects")
    network.eval()
    ours = integrated_gradients(network, inputs, 3, steps=20, fill=-0.5)
    x = torch.from_numpy(inputs)[None]
    theirs = IntegratedGradients(network).attribute(
        x, baselines=torch.full_like(x, -0.5), target=3, n_steps=20
    )
    np.testing.assert_allclose(ours, theirs[0].sum(0).detach().numpy(), atol=1e-5)
    assert all(p.grad is None for p in network.parameters())


def test_integrated_gradients_add_up_to_the_difference_of_logits(digits: zoo.Classifier) -> None:
    explained = integrated_gradients(digits, SEVEN, "7")
    black = (np.zeros((1, 1, 28, 28), np.float32) - 0.1307) / 0.3081
    difference = digits.predict(SEVEN).logits[7] - digits.logits(black.astype(np.float32))[0, 7]
    assert explained.shape == (28, 28)
    assert explained.sum() == pytest.approx(difference, rel=0.02)


def test_occlusion_is_captums(digits: zoo.Classifier) -> None:
    """Captum divides by how often a pixel is covered too; strides of one patch leave no overlap."""
    ours = occlusion(digits, SEVEN, "7", patch=4, stride=4)
    network = nn.Sequential(digits.network.to_torch(), nn.Softmax(1)).eval()
    x = torch.from_numpy(digits.preprocess(SEVEN))[None]
    theirs = Occlusion(network).attribute(
        x, (1, 4, 4), strides=(1, 4, 4), target=7, baselines=(0 - 0.1307) / 0.3081
    )
    np.testing.assert_allclose(ours, theirs[0, 0].numpy(), atol=1e-5)


def test_a_map_of_logits_is_explained_by_what_it_finds() -> None:
    network, inputs = networks.make("unet")
    explained = integrated_gradients(network, inputs, steps=4)
    assert explained.shape == inputs.shape[1:]
    assert np.abs(explained).max() > 0


def test_random_weights_are_random_and_the_model_keeps_its_own(digits: zoo.Classifier) -> None:
    before = digits.network.state_dict()
    other, again = randomized(digits, seed=3), randomized(digits, seed=3)
    assert np.abs(other.predict(SEVEN).logits - digits.predict(SEVEN).logits).max() > 1
    np.testing.assert_array_equal(other.predict(SEVEN).logits, again.predict(SEVEN).logits)
    for name, values in digits.network.state_dict().items():
        np.testing.assert_array_equal(values, before[name])
    network, _ = networks.make("functions")  # has a parameter that no layer resets
    kept = network.weight.clone()
    assert not torch.equal(randomized(network).weight, kept)
    assert torch.equal(network.weight, kept)


def test_the_sanity_check_tells_an_edge_detector_from_an_explanation(
    digits: zoo.Classifier,
) -> None:
    def edges(model: zoo.Classifier, image: object) -> np.ndarray:
        return np.abs(np.diff(model.preprocess(image)[0], axis=0))

    assert sanity_check(digits, SEVEN, edges).correlation == pytest.approx(1)

    def gradients(model: zoo.Classifier, image: object) -> np.ndarray:
        return integrated_gradients(model, image, "7", steps=8)

    check = sanity_check(digits, SEVEN, gradients)
    assert check.correlation < 0.8
    assert check.trained.shape == check.randomized.shape == (28, 28)
    nothing = sanity_check(digits, SEVEN, lambda model, image: np.zeros((28, 28)))
    assert np.isnan(nothing.correlation)


def test_attribution_refuses_nonsense(digits: zoo.Classifier) -> None:
    with pytest.raises(ZooError, match="'eleven' is no label"):
        integrated_gradients(digits, SEVEN, "eleven")
    with pytest.raises(ZooError, match="classes are 0 to 9"):
        integrated_gradients(digits, SEVEN, 10)
    with pytest.raises(ZooError, match="at least one step"):
        integrated_gradients(digits, SEVEN, steps=0)


def test_a_cut_skip_is_a_network_that_gets_zeros_there() -> None:
    unet, inputs = networks.make("unet")
    unet.eval()
    whole = unet(torch.from_numpy(inputs)[None])[0].detach().numpy()
    last = skips(unet, inputs)[-1].joins
    np.testing.assert_allclose(ablate_skips(unet, inputs, []), whole, atol=1e-6)

    def silent(_module: nn.Module, arguments: tuple) -> tuple:
        return arguments[0], torch.zeros_like(arguments[1])

    hook = unet.up[1].register_forward_pre_hook(silent)
    expected = unet(torch.from_numpy(inputs)[None])[0].detach().numpy()
    hook.remove()
    cut = ablate_skips(unet, inputs, [last])
    np.testing.assert_allclose(cut, expected, atol=1e-6)
    assert np.abs(cut - whole).max() > 1e-3
    mean = ablate_skips(unet, inputs, [last], fill="mean")
    assert np.abs(mean - cut).max() > 1e-4
    np.testing.assert_allclose(
        unet(torch.from_numpy(inputs)[None])[0].detach().numpy(), whole, atol=1e-6
    )


def test_a_residual_connection_can_be_cut_and_a_chain_has_none(digits: zoo.Classifier) -> None:
    network, inputs = networks.make("objects")
    assert np.abs(
        ablate_skips(network, inputs, ["block2.add"]) - ablate_skips(network, inputs, [])
    ).any()
    with pytest.raises(ZooError, match=r"No skip connection joins at 'x'; they join at: block1"):
        ablate_skips(network, inputs, ["x"])
    with pytest.raises(ZooError, match="chain of layers"):
        ablate_skips(digits, SEVEN, ["x"])
    assert skips(digits, SEVEN) == ()


def test_maximize_raises_the_channel_far_above_what_images_reach(digits: zoo.Classifier) -> None:
    seen: list[tuple[int, int]] = []
    # From noise, of which these weights think next to nothing, 40 steps are not enough.
    photo = maximize_activation(
        digits, "linear", 3, (28, 28), steps=100, progress=lambda i, n, _: seen.append((i, n))
    )
    assert photo.shape == (28, 28)
    assert photo.dtype == np.uint8
    inputs = ((photo / 255 - 0.1307) / 0.3081).astype(np.float32)
    logits = digits.logits(inputs[None, None])[0]
    assert logits.argmax() == 3
    assert logits[3] > max(digits.predict(s.path).logits[3] for s in samples("digits"))
    assert seen[-1] == (100, 100)
    assert len(seen) == 10


def test_maximize_works_behind_a_silent_relu_for_functions_and_can_be_stopped() -> None:
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU())
    nn.init.constant_(network[0].weight, 0.2)
    nn.init.constant_(network[0].bias, -20)
    grad = [p.requires_grad for p in network.parameters()]
    photo = maximize_activation(network, "1", 1, (16, 16), steps=30, seed=1)
    start = maximize_activation(network, "1", 1, (16, 16), steps=0, seed=1)

    def mean(pixels: np.ndarray) -> float:
        x = torch.from_numpy(pixels.transpose(2, 0, 1)[None] / 255).float()
        return float(network[0](x)[0, 1].mean().detach())

    assert mean(photo) > mean(start) + 0.1
    assert grad == [p.requires_grad for p in network.parameters()]
    assert all(p.grad is None for p in network.parameters())

    unet, _ = networks.make("unet")
    assert maximize_activation(unet, "up.0.cat", 6, (32, 40), steps=2).shape == (32, 40, 3)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        maximize_activation(unet, "up.0.cat", 6, (32, 40), progress=stop)
    assert not any(m._forward_hooks for m in unet.modules())
    with pytest.raises(ZooError, match="channels 0 to 7"):
        maximize_activation(unet, "up.0.cat", 99, (32, 40))
    with pytest.raises(ZooError, match="no layer 'x'"):
        maximize_activation(unet, "x", 0, (32, 40))
