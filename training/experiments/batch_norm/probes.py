"""What is measured while a network trains: activations, gradients, smoothness, covariate shift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.experiments.batch_norm.small_network import units
from training.experiments.batch_norm.small_training import Step
from zoo.graph.modules import private_copy

# Santurkar et al. 2018, appendix A.2 (figure 4): as far as ½ to 4 times the step that is made.
STEP_FACTORS = (0.5, 1.0, 2.0, 4.0)


@dataclass
class Probes:
    """The measurements of one training run, to be handed to `small_training.train`.

    Attributes:
        every: steps between two looks at smoothness and activations.
        shift_every: steps between two looks at the covariate shift; a multiple of ``every``.
        rows: one mapping a look.
    """

    every: int
    shift_every: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    _before: dict[str, Tensor] | None = None
    _means: dict[str, Tensor] = field(default_factory=dict)

    def before_step(self, step: Step) -> None:
        """Measure at the weights that the step starts from."""
        if step.number % self.every:
            return
        row: dict[str, Any] = {"step": step.number + 1, "loss": step.loss}
        row["gradient_norms"] = gradient_norms(step.network)
        row |= landscape(step)
        row["activations"] = self._activations(step)
        self.rows.append(row)
        if step.number % self.shift_every == 0:
            self._before = _trained(step.network)

    def after_step(self, step: Step) -> None:
        """Measure what needs the weights before and after the step."""
        if self._before is not None:
            self.rows[-1]["shift"] = covariate_shift(step, self._before)
            self._before = None

    def _activations(self, step: Step) -> dict[str, dict[str, float]]:
        """Return `activation_statistics`, with the drift of the means since the last look."""
        found = activation_statistics(step.network, step.inputs)
        result = {}
        for name, (means, stds) in found.items():
            drift = 0.0
            if name in self._means:
                drift = ((means - self._means[name]).abs() / stds).mean().item()
            self._means[name] = means
            result[name] = {
                "mean": means.abs().mean().item(),
                "std": stds.mean().item(),
                "drift": drift,
            }
        return result


def gradient_norms(network: nn.Module) -> dict[str, float]:
    """Return ‖∂L/∂W‖₂ of each unit's convolution, from the gradients that are there."""
    return {
        name: float(unit.conv.weight.grad.norm())
        for name, unit in units(network).items()
        if unit.conv.weight.grad is not None
    }


def landscape(step: Step) -> dict[str, float]:
    """Measure how well the gradient foretells the loss around it.

    Santurkar et al. 2018, section 3.2: from the weights θ one walks along −g, the gradient of this
    batch, to θ − kηg for several k, with η the learning rate of the step, and looks at the loss
    and the gradient there.

    Returns:
        loss_low, loss_high: the range of the loss on the way, figure 4 (a);
        gradient_change: the largest ‖g(θ) − g(θ − kηg)‖₂ on the way, figure 4 (b);
        smoothness: the largest ‖g(θ) − g(θ − kηg)‖₂ / ‖kηg‖₂, the "effective β-smoothness" of
        figure 4 (c).
    """
    network = private_copy(step.network).train()
    parameters = [p for p in network.parameters() if p.requires_grad]
    own = [p for p in step.network.parameters() if p.requires_grad]
    start = [p.detach().clone() for p in own]
    gradient = [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in own]
    length = _length(gradient)
    losses, changes, smoothness = [step.loss], [], []
    for factor in STEP_FACTORS:
        distance = factor * step.learning_rate
        with torch.no_grad():
            for parameter, origin, slope in zip(parameters, start, gradient, strict=True):
                parameter.copy_(origin - distance * slope)
        loss, there = _gradients(network, step.inputs, step.labels, parameters)
        change = _length([a - b for a, b in zip(there, gradient, strict=True)])
        losses.append(loss)
        changes.append(change)
        smoothness.append(change / (distance * length))
    return {
        "loss_low": min(losses),
        "loss_high": max(losses),
        "gradient_change": max(changes),
        "smoothness": max(smoothness),
    }


def activation_statistics(network: nn.Module, inputs: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Return each channel's mean and standard deviation in front of each unit's activation.

    Args:
        network: it is copied; nothing in it changes.
        inputs: a batch, seen as in training.

    Returns:
        By unit: means (C,) and standard deviations (C,), the latter at least 1e-5.
    """
    network = private_copy(network).train()
    found: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(name: str) -> Any:
        def hook(_module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            x = arguments[0]
            found[name] = (x.mean(dim=(0, 2, 3)), x.std(dim=(0, 2, 3)).clamp(min=1e-5))

        return hook

    for name, unit in units(network).items():
        unit.act.register_forward_pre_hook(keep(name))
    with torch.no_grad():
        network(inputs)
    return found


def covariate_shift(step: Step, before: dict[str, Tensor]) -> dict[str, dict[str, float]]:
    """Measure the internal covariate shift of each convolution but the first.

    Santurkar et al. 2018, definition 2.1: the gradient of a layer before the step, G, against the
    gradient G' that it would have had if all layers *in front of it* had stepped already and it and
    those behind it had not. If a step of the earlier layers spoils the later ones' gradients, G'
    differs from G.

    Args:
        step: the step; its network has the weights after it.
        before: the weights before it, by name.

    Returns:
        By unit: difference ‖G − G'‖₂, relative ‖G − G'‖₂ / ‖G‖₂, and the cosine of their angle.
    """
    network = private_copy(step.network).train()
    after = _trained(step.network)
    parameters = dict(network.named_parameters())
    order = list(before)
    _set(parameters, before)
    convolutions = {name: f"{name}.conv.weight" for name in units(network)}
    old = dict(
        zip(
            convolutions,
            _gradients(
                network, step.inputs, step.labels, [parameters[w] for w in convolutions.values()]
            )[1],
            strict=True,
        )
    )
    result = {}
    for name, weight in list(convolutions.items())[1:]:
        front = order[: order.index(weight)]
        _set(parameters, before)
        _set(parameters, {key: after[key] for key in front})
        _, (new,) = _gradients(network, step.inputs, step.labels, [parameters[weight]])
        difference, length = float((new - old[name]).norm()), float(old[name].norm())
        result[name] = {
            "difference": difference,
            "relative": difference / max(length, 1e-12),
            "cosine": float(
                functional.cosine_similarity(new.flatten(), old[name].flatten(), dim=0)
            ),
        }
    return result


def _gradients(
    network: nn.Module, inputs: Tensor, labels: Tensor, parameters: Sequence[Tensor]
) -> tuple[float, list[Tensor]]:
    loss = functional.cross_entropy(network(inputs), labels)
    return loss.item(), list(torch.autograd.grad(loss, parameters))


def _trained(network: nn.Module) -> dict[str, Tensor]:
    """Return copies of the trained parameters by name, in the order of computation."""
    return {n: p.detach().clone() for n, p in network.named_parameters() if p.requires_grad}


def _set(parameters: dict[str, nn.Parameter], values: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in values.items():
            parameters[name].copy_(value)


def _length(tensors: Sequence[Tensor]) -> float:
    return float(torch.stack([t.double().square().sum() for t in tensors]).sum().sqrt())
