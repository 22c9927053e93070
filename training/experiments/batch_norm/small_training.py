"""Train the small network of the BatchNorm experiments, and write down its curve."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.cifar10.weight_gradients import lay_side_by_side
from training.data.augment_images import ImageAugmentation, normalize
from training.data.cifar_images import LabelledImages
from training.data.image_batches import Plan, batches
from training.engine.compute import ComputeConfig
from training.engine.distributed import Processes
from training.experiments.batch_norm.other_networks import built
from training.experiments.batch_norm.small_network import Design, trained_parameters
from training.metrics.class_predictions import predict
from zoo.networks.numpy_cnn.schedules import warmup_cosine

CPU = ComputeConfig(Processes(0, 1, torch.device("cpu")))
CURVE_POINTS = 8  # an epoch, of the training loss
WHITENED_BY = 2000  # images that the whitening layer is computed from


@dataclass(frozen=True)
class SmallRecipe:
    """How a network is trained; the same for all that an experiment compares.

    Nesterov SGD; the learning rate rises for an eighth of the steps, then falls along a cosine to
    zero; cross-entropy without label smoothing; alternating flip and shifts of up to 2 pixels.

    Attributes:
        learning_rate: the peak.
        epochs: passes over the training images.
        batch: images a step.
        momentum: of SGD.
        weight_decay: of convolutions and the linear layer.
        bfloat16: whether training multiplies in bfloat16, which is twice as fast; measured is in
            float32.
    """

    learning_rate: float
    epochs: int = 8
    batch: int = 128
    momentum: float = 0.9
    weight_decay: float = 5e-4
    bfloat16: bool = False


@dataclass
class Step:
    """A training step, for a probe: everything is as it is just before the weights change.

    Attributes:
        number: 0 is the first.
        total: steps of the run.
        network: with this step's gradients in ``.grad``.
        inputs, labels: its batch.
        loss: its loss.
        learning_rate: with which the optimizer will step.
    """

    number: int
    total: int
    network: nn.Module
    inputs: Tensor
    labels: Tensor
    loss: float
    learning_rate: float


Probe = Callable[[Step], None]


@dataclass
class _Curve:
    """Collects the training loss between two points of the curve."""

    every: int
    points: list[dict[str, float]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def add(self, step: int, loss: float) -> None:
        self.losses.append(loss)
        if len(self.losses) == self.every or not math.isfinite(loss):
            mean = sum(self.losses) / len(self.losses)
            self.points.append({"step": step + 1, "loss": round(_finite(mean), 4)})
            self.losses.clear()


def train(
    design: Design,
    recipe: SmallRecipe,
    training: LabelledImages,
    validation: LabelledImages,
    seed: int,
    before_step: Probe | None = None,
    after_step: Probe | None = None,
) -> tuple[nn.Module, dict[str, Any]]:
    """Train one network on the CPU.

    Args:
        design: which network.
        recipe: how.
        training: images to learn from.
        validation: images to measure after each epoch.
        seed: of the initial weights, the order and the augmentation.
        before_step: called once the gradients are there and before the optimizer moves.
        after_step: called with the same step when the optimizer has moved.

    Returns:
        The network, and its result as JSON: ``curve`` (training loss by step, mean since the point
        before), ``epochs`` (validation loss and accuracy after each), ``accuracy`` (the last),
        ``diverged`` (the loss was no longer a number; training stopped there), ``seconds``.
    """
    images, labels = torch.from_numpy(training.images), torch.from_numpy(training.labels)
    plan = Plan(images, labels, ImageAugmentation(translate=2), recipe.batch, seed)
    network = built(design, seed, normalize(images[:WHITENED_BY]))
    if recipe.bfloat16:  # the same gradients, sooner
        lay_side_by_side(network)
    optimizer = _optimizer(network, recipe)
    total = recipe.epochs * plan.steps
    curve = _Curve(max(1, plan.steps // CURVE_POINTS))
    epochs: list[dict[str, float]] = []
    start, diverged, number = time.perf_counter(), False, 0
    for epoch in range(recipe.epochs):
        network.train()
        for inputs, targets in batches(plan, epoch, 0, CPU.processes):
            rate = warmup_cosine(number, steps=total, warmup=total // 8, peak=recipe.learning_rate)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
            value = _backward(network, inputs, targets, recipe.bfloat16)
            step = Step(number, total, network, inputs, targets, value, rate)
            if before_step:
                before_step(step)
            optimizer.step()
            if after_step:
                after_step(step)
            curve.add(number, value)
            number += 1
            diverged = not math.isfinite(value)
            if diverged:
                break
        epochs.append({"epoch": epoch + 1} | measure(network, validation))
        if diverged:
            break
    return network, {
        "accuracy": epochs[-1]["accuracy"],
        "diverged": diverged,
        "curve": curve.points,
        "epochs": epochs,
        "seconds": round(time.perf_counter() - start, 1),
    }


def _optimizer(network: nn.Module, recipe: SmallRecipe) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        trained_parameters(network, recipe.weight_decay),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=True,
    )


def _backward(network: nn.Module, inputs: Tensor, targets: Tensor, bfloat16: bool) -> float:
    """Add the gradients of a batch to the parameters'; return its loss."""
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        logits = network(inputs)
    loss = functional.cross_entropy(logits.float(), targets)
    loss.backward()
    return loss.item()


def measure(network: nn.Module, examples: LabelledImages) -> dict[str, float]:
    """Return loss (nats; 1000 at the most) and accuracy in evaluation mode."""
    labels = torch.from_numpy(examples.labels)
    logits = predict(network, examples.images, CPU)
    loss = _finite(functional.cross_entropy(logits, labels).item())
    accuracy = (logits.argmax(dim=1) == labels).float().mean().item()
    return {"loss": round(loss, 4), "accuracy": round(accuracy, 5)}


def _finite(loss: float) -> float:
    """Return the loss, or 1000 for one that is larger or no number: JSON has no infinity."""
    return min(loss, 1000.0) if math.isfinite(loss) else 1000.0
