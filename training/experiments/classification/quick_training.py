"""Short trainings of a small network on CIFAR-10 that differ in one thing at a time.

The network is that of the BatchNorm experiments (a fixed whitening layer, six 3 × 3 convolutions,
one linear layer); a training on 250,000 images takes about two minutes on one core with bfloat16.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.cifar10.weight_gradients import lay_side_by_side
from training.data.augment_images import ImageAugmentation, generator, normalize
from training.data.cifar_images import LabelledImages
from training.data.image_batches import Batch, Plan, batches
from training.engine.compute import ComputeConfig
from training.engine.distributed import Processes
from training.experiments.batch_norm.small_network import (
    Design,
    SmallNet,
    seeded,
    trained_parameters,
)
from training.metrics.class_predictions import predict
from zoo.networks.numpy_cnn.schedules import warmup_cosine

WHITENED_BY = 2000  # images that the whitening layer is computed from
MOST_LOSS = 1000.0  # what stands for a loss that is larger or no number: JSON has no infinity


@dataclass(frozen=True)
class QuickRecipe:
    """How a small network is trained.

    Attributes:
        learning_rate: the peak, of Nesterov SGD with momentum 0.9.
        epochs: passes over the training images.
        batch: images a step.
        schedule: "cosine" (a warm-up of an eighth, then down to zero) or "constant" (the same
            warm-up).
        norm: ``"none"`` or ``"batch"``.
        widths: channels of the three stages.
        flip, translate, cutout: see `training.data.augment_images.ImageAugmentation`.
        weight_decay: of convolutions and the linear layer.
        dropout: of the features in front of the linear layer.
        smoothing: of the labels.
        averaging: what a moving average of the weights keeps at a step; 0: there is none.
    """

    learning_rate: float
    epochs: int
    batch: int = 128
    schedule: str = "cosine"
    norm: str = "none"
    widths: tuple[int, ...] = (32, 64, 128)
    flip: bool = False
    translate: int = 0
    cutout: int = 0
    weight_decay: float = 0.0
    dropout: float = 0.0
    smoothing: float = 0.0
    averaging: float = 0.0

    @classmethod
    def of(cls, key: Mapping[str, Any]) -> QuickRecipe:
        """Return the recipe that a cell's key describes; what else it holds is left alone."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in key.items() if name in known}
        return cls(**values | {"widths": tuple(key.get("widths", cls.widths))})

    def plain(self) -> dict[str, Any]:
        """Return it as JSON gives it back."""
        return asdict(self) | {"widths": list(self.widths)}

    def rate(self, step: int, steps: int) -> float:
        """Return the learning rate of a step."""
        warmup = max(1, steps // 8)
        if self.schedule == "constant":
            return self.learning_rate * min(1.0, (step + 1) / warmup)
        return warmup_cosine(step, steps=steps, warmup=warmup, peak=self.learning_rate)


class QuickTraining:
    """One training, epoch by epoch.

    Attributes:
        network: in training.
        averaged: the network with the moving average of its weights; None without averaging.
        train_loss: mean loss of the steps of the last epoch.
        diverged: the loss was no number any more; the training is over.
    """

    def __init__(
        self,
        recipe: QuickRecipe,
        training: LabelledImages,
        seed: int,
        compute: ComputeConfig,
        network: nn.Module | None = None,
    ) -> None:
        """Args:
        training: images to learn from.
        seed: of the initial weights, the order and the augmentation.
        network: another one than the small network, with the initial weights that it shall have.
        """
        self.recipe, self.compute, self.seed = recipe, compute, seed
        images, labels = torch.from_numpy(training.images), torch.from_numpy(training.labels)
        augmentation = ImageAugmentation(recipe.flip, recipe.translate, recipe.cutout)
        self.plan = Plan(images, labels, augmentation, recipe.batch, seed)
        self.network: nn.Module = network or make_network(recipe, seed, images)
        if compute.device.type == "cpu" and compute.precision == "bfloat16":
            lay_side_by_side(self.network)  # the same gradients, sooner
        self.averaged = None
        if recipe.averaging:
            from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

            average = get_ema_multi_avg_fn(recipe.averaging)
            self.averaged = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)
        self.optimizer = torch.optim.SGD(
            trained_parameters(self.network, recipe.weight_decay),
            lr=recipe.learning_rate, momentum=0.9, nesterov=True,
        )  # fmt: skip
        self.step, self.steps = 0, recipe.epochs * self.plan.steps
        self.train_loss, self.diverged = math.nan, False

    def epochs(self, order: Callable[[int], Iterator[Batch]] | None = None) -> Iterator[int]:
        """Train; yield the number of each epoch, from 1, when it is over.

        Args:
            order: makes the batches of an epoch in another way than at random.
        """
        for epoch in range(self.recipe.epochs):
            made = order(epoch) if order else batches(self.plan, epoch, 0, self.compute.processes)
            self.network.train()
            losses = [self.learn(inputs, labels) for inputs, labels in made if not self.diverged]
            self.train_loss = finite(sum(losses) / max(1, len(losses)))
            yield epoch + 1
            if self.diverged:
                return

    def learn(self, inputs: Tensor, labels: Tensor) -> float:
        """Take one step; return its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate(self.step, self.steps)
        with self.compute.autocast():
            logits = self.network(inputs)
        loss = functional.cross_entropy(
            logits.float(), labels, label_smoothing=self.recipe.smoothing
        )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)
        self.step += 1
        value = loss.item()
        self.diverged = not math.isfinite(value)
        return value


def make_network(recipe: QuickRecipe, seed: int, images: Tensor) -> SmallNet:
    """Return the network with the initial weights of a seed; images uint8 (N, 32, 32, 3)."""
    first, second, third = recipe.widths
    network = seeded(
        Design(recipe.norm, widths=(first, second, third)), seed, normalize(images[:WHITENED_BY])
    )
    if recipe.dropout:
        network.head = nn.Sequential(nn.Dropout(recipe.dropout), network.head)  # type: ignore[assignment]
    return network


def losses_of(
    network: nn.Module, examples: LabelledImages, compute: ComputeConfig
) -> tuple[Tensor, Tensor]:
    """Return the loss of each image, and its logits, in evaluation mode."""
    logits = predict(network, examples.images, compute)
    labels = torch.from_numpy(examples.labels)
    losses = functional.cross_entropy(logits, labels, reduction="none")
    return losses.nan_to_num(MOST_LOSS).clamp(max=MOST_LOSS), logits


def measure(
    network: nn.Module, examples: LabelledImages, compute: ComputeConfig
) -> dict[str, float]:
    """Return loss (nats, without smoothing) and accuracy in evaluation mode."""
    losses, logits = losses_of(network, examples, compute)
    right = logits.argmax(1) == torch.from_numpy(examples.labels)
    return {
        "loss": round(losses.mean().item(), 5),
        "accuracy": round(right.float().mean().item(), 5),
    }


def train(
    key: Mapping[str, Any], training: LabelledImages, held_out: LabelledImages
) -> dict[str, Any]:
    """Train what a key describes; return what the network is worth in the end, and its curve.

    Returns:
        ``accuracy``, ``loss`` (of the held-out images), ``train_accuracy``, ``train_loss`` (of at
        most as many training images, as they are), ``parameters``, ``diverged``, ``seconds`` and
        ``epochs``: a list of train_loss (of the steps), loss and accuracy after each epoch.
    """
    compute, start = compute_of(key), time.perf_counter()
    run = QuickTraining(QuickRecipe.of(key), training, key["seed"], compute)
    curve = [
        {"train_loss": round(run.train_loss, 5)} | measure(run.network, held_out, compute)
        for _ in run.epochs()
    ]
    learned = measure(run.network, training[: len(held_out)], compute)
    return {
        "accuracy": curve[-1]["accuracy"],
        "loss": curve[-1]["loss"],
        "train_accuracy": learned["accuracy"],
        "train_loss": learned["loss"],
        "parameters": parameters(run.network),
        "diverged": run.diverged,
        "seconds": round(time.perf_counter() - start, 1),
        "epochs": curve,
    }


def parameters(network: nn.Module) -> int:
    """Return how many numbers are trained."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def compute_of(key: Mapping[str, Any]) -> ComputeConfig:
    """Return how a cell computes: on the CPU, in the number format that its key names."""
    return ComputeConfig(Processes(0, 1, torch.device("cpu")), key["precision"])


def some(images: LabelledImages, count: int, seed: int = 0) -> LabelledImages:
    """Return so many images, drawn once and for all."""
    order = torch.randperm(len(images), generator=generator(seed, 1))
    return images[order[:count].sort().values.numpy()]


def finite(loss: float) -> float:
    """Return the loss, or `MOST_LOSS` for one that is larger or no number."""
    return min(loss, MOST_LOSS) if math.isfinite(loss) else MOST_LOSS
