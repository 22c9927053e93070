"""BatchNorm looked into, on small networks with random statistics; PyTorch is the reference."""

from __future__ import annotations

import copy
import math
import time

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo import batch_norm
from zoo.batch_norm import two_modes
from zoo.batch_norm.side_by_side import CHANNELS, train_side_by_side
from zoo.errors import ZooError
from zoo.networks.cifar_net import CifarNet
from zoo.networks.numpy_cnn import NumpyCNN
from zoo.samples.sets import image_set


@pytest.fixture
def inputs() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((24, 3, 32, 32)).astype(np.float32)


@pytest.fixture(params=[2, 3], ids=["plain", "residual"])
def network(request: pytest.FixtureRequest, inputs: np.ndarray) -> CifarNet:
    return lived_in(CifarNet((6, 8, 10), request.param), inputs)


def lived_in(network: nn.Module, inputs: np.ndarray) -> nn.Module:
    """Give BatchNorm layers statistics, γ and β that are not the initial ones."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.uniform_(-1, 1, generator=generator)
    network.train()(torch.from_numpy(inputs) * 2 + 0.5)
    return network.eval()


def logits(network: nn.Module, inputs: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network(torch.from_numpy(inputs)).numpy()


def state(network: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(network.state_dict())


def assert_untouched(network: nn.Module, before: dict[str, Tensor]) -> None:
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
    assert not any(module.training for module in network.modules())


def test_the_three_steps_are_what_the_layer_computes(network: CifarNet, inputs: np.ndarray) -> None:
    before = state(network)
    name = batch_norm.layer_names(network)[3]
    steps = batch_norm.three_steps(network, name, inputs)
    layer = network.get_submodule(name)
    x = torch.from_numpy(steps.before)
    with torch.no_grad():
        evaluated = layer(x).numpy()
        trained = functional.batch_norm(
            x, None, None, layer.weight, layer.bias, training=True, eps=layer.eps
        ).numpy()
    for number in range(steps.channels):
        running, batch = steps.channel(number, "running"), steps.channel(number)
        np.testing.assert_allclose(running.after, evaluated[:, number].ravel(), atol=1e-5)
        np.testing.assert_allclose(batch.after, trained[:, number].ravel(), atol=1e-5)
        assert abs(batch.normalized.mean()) < 1e-4
        std = math.sqrt(batch.variance / (batch.variance + batch.eps))  # nearly 1
        assert batch.normalized.std() == pytest.approx(std, abs=1e-3)
        assert batch.variance == pytest.approx(batch.before.var(), rel=1e-4)
        assert (batch.running_mean, batch.running_variance) == (running.mean, running.variance)
    assert not steps.trained_gamma  # CifarNet keeps γ where it is
    assert_untouched(network, before)


def test_sliders_move_the_channel_and_nothing_else(network: CifarNet, inputs: np.ndarray) -> None:
    before = state(network)
    name = batch_norm.layer_names(network)[2]
    own = network.get_submodule(name)
    gamma, beta = own.weight.detach().numpy().copy(), own.bias.detach().numpy().copy()
    same = batch_norm.logits_with(network, name, inputs, gamma, beta)
    np.testing.assert_array_equal(same, logits(network, inputs))
    gamma[1], beta[1] = 3.0, -2.0
    moved = batch_norm.logits_with(network, name, inputs, gamma, beta)
    reference = copy.deepcopy(network)
    with torch.no_grad():
        reference.get_submodule(name).weight[1] = 3.0
        reference.get_submodule(name).bias[1] = -2.0
    np.testing.assert_array_equal(moved, logits(reference, inputs))
    assert np.abs(moved - same).max() > 1e-4
    channel = batch_norm.three_steps(network, name, inputs).channel(1, gamma=3.0, beta=-2.0)
    np.testing.assert_allclose(channel.after, 3 * channel.normalized - 2, atol=1e-5)
    assert_untouched(network, before)


def test_what_does_not_exist_is_a_sentence(inputs: np.ndarray) -> None:
    network = lived_in(CifarNet((4, 4, 4)), inputs)
    with pytest.raises(ZooError, match=r"block1\.bn1"):
        batch_norm.three_steps(network, "block9.bn1", inputs)
    steps = batch_norm.three_steps(network, "block1.bn1", inputs)
    with pytest.raises(ZooError, match="channels 0 to 3"):
        steps.channel(4)
    with pytest.raises(ZooError, match="has 4 channels"):
        batch_norm.logits_with(network, "block1.bn1", inputs, np.ones(5), np.zeros(5))
    with pytest.raises(ZooError, match='"batch" or "running"'):
        steps.channel(0, "moving")
    with pytest.raises(ZooError, match='"running" or "batch"'):
        batch_norm.logits(network, inputs, "moving")
    with pytest.raises(ZooError, match="at least 1"):
        batch_norm.logits(network, inputs, "batch", 0)
    with pytest.raises(ZooError, match="too few images"):
        batch_norm.accuracy(network, inputs, np.zeros(24, int), statistics="batch", batch_size=32)
    flat = nn.Sequential(nn.Flatten(), nn.Linear(3072, 4), nn.BatchNorm1d(4)).eval()
    with pytest.raises(ZooError, match="has no variance"):
        batch_norm.logits(flat, inputs, "batch", 1)


def test_batch_statistics_are_those_of_training(network: CifarNet, inputs: np.ndarray) -> None:
    before = state(network)
    found = batch_norm.logits(network, inputs, "batch", 8)
    reference = copy.deepcopy(network).train()
    expected = np.concatenate([logits(reference, inputs[i : i + 8]) for i in (0, 8, 16)])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(
        batch_norm.logits(network, inputs, "running", 8), logits(network, inputs), atol=1e-6
    )
    assert_untouched(network, before)


def test_dropout_stays_off_with_batch_statistics(inputs: np.ndarray) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)).eval()
    twin = two_modes.in_mode(network, "batch")
    assert [module.training for module in twin] == [False, True, False]


@pytest.mark.parametrize("one_class", [False, True])
def test_batches_are_complete_and_mixed_or_of_one_class(one_class: bool) -> None:
    labels = np.repeat(np.arange(4), [9, 7, 3, 13])
    found = list(two_modes.batches(labels, 4, one_class, seed=2))
    assert all(len(batch) == 4 for batch in found)
    indices = np.concatenate(found)
    assert len(set(indices)) == len(indices) == (24 if one_class else 32)
    kinds = [len(set(labels[batch])) for batch in found]
    assert set(kinds) == {1} if one_class else max(kinds) > 1


def test_accuracy_counts_the_right_answers(network: CifarNet, inputs: np.ndarray) -> None:
    right = logits(network, inputs).argmax(axis=1)
    wrong = np.where(np.arange(24) < 6, (right + 1) % 10, right)
    found = batch_norm.accuracy(network, inputs, wrong)
    assert (found.accuracy, found.n) == (18 / 24, 24)
    labels = batch_norm.logits(network, inputs, "batch", 24).argmax(axis=1)
    order = next(
        two_modes.batches(labels, 24, seed=0)
    )  # order within one batch changes no statistics
    found = batch_norm.accuracy(network, inputs, labels, statistics="batch", batch_size=24)
    assert found.accuracy == 1.0
    assert sorted(order) == list(range(24))


def test_company_changes_the_answer_in_training_mode(network: CifarNet, inputs: np.ndarray) -> None:
    found = batch_norm.batch_dependence(network, inputs[0], inputs[1:], 4, draws=3, seed=0)
    assert found.shape == (3, 10)
    assert np.abs(found[0] - found[1]).max() > 1e-4
    again = batch_norm.batch_dependence(network, inputs[0], inputs[1:], 4, draws=3, seed=0)
    np.testing.assert_array_equal(found, again)
    alone = batch_norm.batch_dependence(network, inputs[0], inputs[1:], 1, draws=2, seed=0)
    np.testing.assert_array_equal(alone[0], alone[1])


def test_folding_leaves_the_answers_and_no_batch_norm(
    network: CifarNet, inputs: np.ndarray
) -> None:
    before = state(network)
    folded = batch_norm.fold(network, inputs[:1])
    assert [norm for _, norm in folded.pairs] == batch_norm.layer_names(network)
    assert folded.pairs[0] == ("block1.conv1", "block1.bn1")
    assert not folded.kept
    assert not batch_norm.layer_names(folded.network)
    np.testing.assert_allclose(
        logits(folded.network, inputs), logits(network, inputs), rtol=1e-4, atol=1e-5
    )
    compared = batch_norm.compare(network, folded.network, inputs[:2], rounds=1)
    assert compared.max_difference < 1e-5 * max(1.0, compared.largest)
    assert compared.ratio == pytest.approx(compared.before / compared.after)
    assert_untouched(network, before)


def test_behind_pooling_a_negative_gamma_keeps_the_layer(inputs: np.ndarray) -> None:
    network = lived_in(CifarNet((4, 4, 4)), inputs)
    network.block1.bn1.weight.data[2] = -1.0  # the maximum of −x is not −(the maximum of x)
    network.block1.bn2.weight.data[2] = -1.0  # no pooling in front of it: folds all the same
    folded = batch_norm.fold(network, inputs[:2])
    assert folded.kept == ("block1.bn1",)
    np.testing.assert_allclose(
        logits(folded.network, inputs), logits(network, inputs), rtol=1e-4, atol=1e-5
    )


def test_linear_layers_fold_too(inputs: np.ndarray) -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(3600, 5), nn.BatchNorm1d(5)
    )
    lived_in(network, inputs)
    folded = batch_norm.fold(network, inputs[:2])
    assert folded.pairs == (("0", "1"), ("3", "4"))
    np.testing.assert_allclose(
        logits(folded.network, inputs), logits(network, inputs), rtol=1e-4, atol=1e-5
    )


class Branching(nn.Module):
    """Uses the convolution's output behind the BatchNorm's back."""

    def __init__(self, by_module: bool) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        self.other = nn.ReLU() if by_module else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return self.bn(y) + (self.other(y) if self.other else y)


def test_a_convolution_that_is_used_twice_is_not_folded(inputs: np.ndarray) -> None:
    seen = lived_in(Branching(by_module=True), inputs)
    assert batch_norm.fold(seen, inputs[:2]).kept == ("bn",)
    seen = lived_in(Branching(by_module=False), inputs)
    assert batch_norm.fold(seen, inputs[:2]).kept == ("bn",)


class Weighing(nn.Module):
    """Uses its convolution's weights a second time, which no run shows."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.bn(self.conv(x)).mean(dim=(2, 3)) + self.conv.weight.sum()


def test_a_network_that_would_answer_differently_is_not_folded(inputs: np.ndarray) -> None:
    with pytest.raises(ZooError, match="cannot be folded"):
        batch_norm.fold(lived_in(Weighing(), inputs), inputs[:2])


def test_the_numpy_networks_twin_folds(inputs: np.ndarray) -> None:
    twin = NumpyCNN(channels=(4, 8)).to_torch()
    images = inputs[:, :1, :28, :28]
    folded = batch_norm.fold(twin, images[:2])
    assert len(folded.pairs) == 2
    np.testing.assert_allclose(logits(folded.network, images), logits(twin, images), atol=1e-5)


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    found = image_set("mnist")
    return found.images[:700], found.labels[:700]


def test_the_race_trains_both_on_the_same_steps(digits) -> None:
    laps = list(
        train_side_by_side(
            *digits, seconds=math.inf, steps=40, every_steps=1, held_out=200, learning_rate=0.05
        )
    )
    assert [lap.step for lap in laps] == list(range(41))
    assert math.isnan(laps[0].losses["batch"])
    assert all(set(lap.accuracies) == {"batch", "none"} for lap in laps)
    assert laps[-1].losses["batch"] < 0.5 * laps[1].losses["batch"]
    assert laps[-1].accuracies["batch"] > 0.7
    assert laps[-1].accuracies["none"] > laps[0].accuracies["none"]


def test_the_race_is_over_when_all_have_diverged(digits) -> None:
    *_, last = train_side_by_side(*digits, seconds=60.0, held_out=200, learning_rate=1e6)
    assert all(math.isnan(loss) for loss in last.losses.values())
    assert last.step < 20


def test_the_race_ends_in_time(digits) -> None:
    *_, last = train_side_by_side(*digits, seconds=0.5, every=0.1, held_out=200, batch=4)
    assert 0.5 <= last.seconds < 5


def test_the_race_stops_when_nobody_looks(digits) -> None:
    start = time.perf_counter()
    laps = train_side_by_side(*digits, seconds=60.0, held_out=200)
    next(laps)
    next(laps)
    laps.close()
    assert time.perf_counter() - start < 30


def test_the_race_refuses_too_few_digits(digits) -> None:
    with pytest.raises(ZooError, match="does not suit"):
        next(train_side_by_side(*digits, held_out=690))


def test_the_race_starts_both_from_the_same_convolutions() -> None:
    first, second = (NumpyCNN(channels=CHANNELS, norm=norm, seed=4) for norm in ("batch", "none"))
    for name in ("conv1.weight", "conv3.weight", "linear.weight"):
        np.testing.assert_array_equal(first.parameters[name], second.parameters[name])


@pytest.mark.parametrize(
    ("name", "count", "shape", "split"),
    [("cifar10", 512, (32, 32, 3), "test"), ("mnist", 2400, (28, 28), "train")],
)
def test_image_sets_are_balanced_and_credited(name, count, shape, split) -> None:
    found = image_set(name)
    assert found.images.shape == (count, *shape)
    assert found.images.dtype == np.uint8
    assert len(found) == len(found.labels) == count
    assert np.ptp(np.bincount(found.labels)) <= 1
    assert len(found.names) == 10
    assert found.split == split
    assert "http" in found.credit
    assert not found.images.flags.writeable


def test_image_sets_hold_the_images_that_they_name() -> None:
    """The mosaic is unfolded in the right order: MNIST's ones are the narrowest digits."""
    found = image_set("mnist")
    ink = [(found.images[found.labels == k] > 128).sum(axis=(1, 2)).mean() for k in range(10)]
    assert int(np.argmin(ink)) == 1
    with pytest.raises(ZooError, match="there are: cifar10, mnist"):
        image_set("letters")
