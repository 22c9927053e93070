"""What is measured inside a network while it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.training.experiments.batch_norm.norm_rehearsal import TINY
from tests.training.tiny_images import make_images
from training.data.augment_images import normalize
from training.experiments.batch_norm import batch_norm_batch_size, batch_norm_statistics
from training.experiments.batch_norm.probes import activation_statistics, covariate_shift, landscape
from training.experiments.batch_norm.small_network import Design, SmallNet, units
from training.experiments.batch_norm.small_training import Step


@pytest.fixture
def step() -> Step:
    torch.manual_seed(0)
    network = SmallNet(Design("none", widths=(4, 4, 4)))
    inputs, labels = torch.randn(16, 3, 32, 32), torch.arange(16) % 10
    loss = functional.cross_entropy(network(inputs), labels)
    loss.backward()
    return Step(0, 10, network, inputs, labels, loss.item(), 0.01)


def test_the_landscape_is_measured_along_the_gradient(step: Step) -> None:
    before = {n: p.detach().clone() for n, p in step.network.named_parameters()}
    found = landscape(step)
    assert found["loss_high"] == pytest.approx(step.loss)  # downhill all the way, for small steps
    reference = SmallNet(Design("none", widths=(4, 4, 4)))
    reference.load_state_dict(step.network.state_dict())
    with torch.no_grad():
        for p, own in zip(reference.parameters(), step.network.parameters(), strict=True):
            if own.grad is not None:
                p -= 4 * 0.01 * own.grad
    lowest = functional.cross_entropy(reference(step.inputs), step.labels).item()
    assert found["loss_low"] == pytest.approx(lowest, rel=1e-4)
    assert found["smoothness"] > 0
    for name, parameter in step.network.named_parameters():
        assert torch.equal(parameter, before[name]), "the network was changed"


def test_covariate_shift_is_nothing_when_nothing_stepped_and_something_when_it_did(
    step: Step,
) -> None:
    before = {n: p.detach().clone() for n, p in step.network.named_parameters() if p.requires_grad}
    assert all(
        found["relative"] == pytest.approx(0, abs=1e-6) and found["cosine"] > 0.999
        for found in covariate_shift(step, before).values()
    )
    with torch.no_grad():
        for parameter in step.network.parameters():
            if parameter.grad is not None:
                parameter -= 0.5 * parameter.grad
    shift = covariate_shift(step, before)
    assert list(shift) == list(units(step.network))[1:]
    assert all(found["relative"] > 1e-3 for found in shift.values())


def test_activations_in_front_of_the_relu_are_normalized_by_batch_norm() -> None:
    network = SmallNet(TINY).train()
    found = activation_statistics(network, torch.randn(16, 3, 32, 32) * 3 + 1)
    assert len(found) == 6
    for means, stds in found.values():
        np.testing.assert_allclose(means, 0, atol=1e-4)
        np.testing.assert_allclose(stds, 1, atol=0.02)
    assert all(  # looking leaves no trace in the running statistics
        module.num_batches_tracked == 0
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d)
    )


def test_thinning_keeps_the_means_where_the_shift_was_measured() -> None:
    shared = {"norm": "batch", "learning_rate": 0.1, "layer": "a", "loss_low": 1.0, "smoothness": 1}
    rows = [
        shared
        | {"seed": seed, "step": step, "loss_high": 2.0 + seed, "gradient_change": None}
        | {"gradient_norm": 1.0 + seed, "activation_std": 1.0, "activation_drift": 0.0}
        | {"shift_relative": 0.5 if step == 1 else None}
        for seed in (0, 1)
        for step in (1, 2)
    ]
    (layer,), (around,) = batch_norm_statistics.thinned(rows)
    assert (layer["step"], layer["gradient_norm"], layer["shift_relative"]) == (1, 1.5, 0.5)
    assert (around["loss_high"], around["gradient_change"]) == (2.5, None)


def test_precise_statistics_are_means_over_large_batches() -> None:
    network = SmallNet(TINY).initialize(torch.randn(50, 3, 32, 32))
    images = make_images(600).images
    before = {name: value.clone() for name, value in network.state_dict().items()}
    twin = batch_norm_batch_size.with_precise_statistics(network, images)
    found = twin.stages[0].unit1.norm
    with torch.no_grad():
        normalized = normalize(torch.from_numpy(images))
        values = network.stages[0].unit1.conv(torch.relu(network.whiten(normalized)))
    parts = [values[first : first + 500].mean(dim=(0, 2, 3)) for first in (0, 500)]
    torch.testing.assert_close(found.running_mean, sum(parts) / 2, atol=1e-4, rtol=1e-3)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
