"""The optimizers and the schedule against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from zoo.networks.numpy_cnn import SGD, Adam, Optimizer, warmup_cosine

SHAPES = {"weight": (3, 4), "bias": (3,)}


def run_both(
    make: type[Optimizer], torch_optimizer: type[torch.optim.Optimizer], **arguments: object
) -> tuple[dict[str, NDArray], dict[str, torch.Tensor]]:
    """Make 6 steps with the same random gradients and changing learning rates."""
    rng = np.random.default_rng(0)
    ours = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}
    theirs = {name: torch.from_numpy(w.copy()).requires_grad_() for name, w in ours.items()}
    decay = arguments.pop("weight_decay", 0.0)
    optimizer = make(ours, weight_decay=decay, **arguments)
    groups = [
        {"params": [theirs["weight"]], "weight_decay": decay},
        {"params": [theirs["bias"]], "weight_decay": 0.0},
    ]
    reference = torch_optimizer(groups, lr=1.0, **arguments)
    for step in range(6):
        gradients = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}
        optimizer.step(gradients, 0.1 / (step + 1))
        for group in reference.param_groups:
            group["lr"] = 0.1 / (step + 1)
        for name, w in theirs.items():
            w.grad = torch.from_numpy(gradients[name])
        reference.step()
    return ours, theirs


@pytest.mark.parametrize(
    ("make", "torch_optimizer", "arguments"),
    [
        (SGD, torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
        (SGD, torch.optim.SGD, {"momentum": 0.9, "nesterov": False}),
        (SGD, torch.optim.SGD, {"momentum": 0.0, "nesterov": False}),
        (Adam, torch.optim.Adam, {"betas": (0.9, 0.99), "weight_decay": 0.01}),
        (Adam, torch.optim.Adam, {"eps": 1e-3}),
    ],
)
def test_optimizers_follow_torch(
    make: type[Optimizer],
    torch_optimizer: type[torch.optim.Optimizer],
    arguments: dict[str, object],
) -> None:
    ours, theirs = run_both(make, torch_optimizer, **arguments)
    for name, w in ours.items():
        np.testing.assert_allclose(w, theirs[name].detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("make", [SGD, Adam])
def test_a_restored_optimizer_goes_on_as_if_nothing_happened(make: type[Optimizer]) -> None:
    rng = np.random.default_rng(0)
    gradients = [{"w": rng.standard_normal((2, 3))} for _ in range(6)]
    unbroken = {"w": np.ones((2, 3))}
    optimizer = make(unbroken)
    for g in gradients[:3]:
        optimizer.step(g, 0.1)
    resumed = {"w": unbroken["w"].copy()}
    restored = make(resumed)
    restored.load_state_dict(optimizer.state_dict())
    for g in gradients[3:]:
        optimizer.step(g, 0.1)
        restored.step(g, 0.1)
    np.testing.assert_array_equal(unbroken["w"], resumed["w"])


def test_schedule_warms_up_linearly_and_falls_to_zero_like_torchs_cosine() -> None:
    rates = [warmup_cosine(step, steps=50, warmup=10, peak=0.4) for step in range(50)]
    np.testing.assert_allclose(rates[:10], 0.04 * np.arange(1, 11))
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40)
    expected = []
    for _ in range(40):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        cosine.step()
    np.testing.assert_allclose(rates[10:], expected, rtol=1e-6)


def test_schedule_refuses_a_step_outside_the_training() -> None:
    with pytest.raises(ValueError, match="not in 50 steps"):
        warmup_cosine(50, steps=50, warmup=10, peak=0.4)
