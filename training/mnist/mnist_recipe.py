"""Train the NumPy network on MNIST.

    python -m training.mnist --data-dir DIR --out runs/mnist --seed 0 1 2 --export

One network of 105 thousand parameters, one view of each image, no ensemble. The claim and the
numbers behind it are in ``zoo/bundle/mnist/record.json``.

The recipe, top to bottom: normalize, augment (affine maps and stroke width), three blocks of
convolution, pooling, BatchNorm and ReLU, dropout, one linear layer; cross-entropy with label
smoothing; SGD with Nesterov momentum; a warm-up, then a cosine to zero. All choices were made on
the 5,000 validation digits. The weights after the last epoch are the result: none is picked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from training.data import mnist_digits as data
from training.data.augment_digits import DigitAugmentation
from training.engine import loop
from training.engine.failures import TrainingError
from training.engine.model_folder import write_model
from training.engine.options import check_batch
from training.engine.provenance import provenance
from training.engine.recipe_json import plain
from training.engine.temperature_scaling import calibrate
from training.mnist.mnist_record import config, describe_run
from zoo.networks.numpy_cnn import (
    SGD,
    Dropout,
    NumpyCNN,
    softmax_cross_entropy,
    warmup_cosine,
)

PACKAGES = ("numpy", "safetensors")
Batch = tuple[NDArray[np.float32], NDArray[np.uint8]]  # (N, 1, 28, 28), normalized; (N,)


@dataclass(frozen=True)
class MnistRecipe:
    """Everything that decides the result, apart from the data and the seed."""

    epochs: int = 16
    batch: int = 128
    peak_learning_rate: float = 0.1
    warmup_epochs: float = 1.0
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    dropout: float = 0.25
    channels: tuple[int, ...] = (32, 64, 128)
    augmentation: DigitAugmentation = field(default_factory=DigitAugmentation)


class MnistLearner:
    """What the loop teaches: a network and its optimizer, both in NumPy."""

    metrics = ("loss", "accuracy")

    def __init__(
        self, recipe: MnistRecipe, training: data.Digits, validation: data.Digits, seed: int
    ) -> None:
        check_batch(recipe.batch, len(training))
        if not len(validation):
            raise TrainingError(
                f"{len(training)} digits are too few: none is left to validate with."
            )
        self.recipe, self.training, self.validation = recipe, training, validation
        self.seed, self.epochs, self.steps = seed, recipe.epochs, len(training) // recipe.batch
        self.network = NumpyCNN(channels=recipe.channels, dropout=recipe.dropout, seed=seed)
        self.optimizer = SGD(
            self.network.parameters, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )

    def batches(self, epoch: int, first: int) -> Iterator[Batch]:
        """Yield an epoch's batches; what dropout draws goes on from the learner's state."""
        if first == 0 and (dropout := self._dropout):
            dropout.rng = np.random.default_rng((self.seed, epoch, 1_000_000))
        with threadpool_limits(1, "blas"):  # see zoo.networks.numpy_cnn.parallel
            yield from augmented_batches(self.training, self.recipe, self.seed, epoch, first)

    def learn(self, batch: Batch, step: int) -> NDArray[np.float64]:
        """Take a step; return sums of loss and hits, and the number of images.

        They are those of the augmented batch, in training mode, while the weights change.
        """
        images, labels = batch
        logits = self.network.forward(images, training=True)
        loss, dlogits = softmax_cross_entropy(logits, labels, self.recipe.label_smoothing)
        self.network.backward(dlogits)
        self.optimizer.step(self.network.gradients, self.rate(step))
        correct = (logits.argmax(axis=1) == labels).sum()
        return np.array([loss * len(labels), correct, len(labels)], np.float64)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step."""
        recipe, total = self.recipe, self.epochs * self.steps
        warmup = min(round(recipe.warmup_epochs * self.steps), total // 2)
        return warmup_cosine(step, steps=total, warmup=warmup, peak=recipe.peak_learning_rate)

    def measure(self) -> dict[str, float]:
        """Return loss and accuracy of the validation digits."""
        return measure(self.network, self.validation)

    def totals(self, values: list[float]) -> NDArray[np.float64]:
        """Return a vector as `learn` does."""
        return np.array(values)

    def is_finite(self) -> bool:
        """Return whether all weights are numbers."""
        return all(bool(np.isfinite(array).all()) for array in self.network.parameters.values())

    @property
    def _dropout(self) -> Dropout | None:
        layer = self.network.layers.get("dropout")
        return layer if isinstance(layer, Dropout) else None

    def state(self) -> dict[str, dict[str, NDArray]]:
        """Return everything that changes: weights, momentum, what dropout will draw."""
        groups = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        if dropout := self._dropout:
            text = json.dumps(dropout.rng.bit_generator.state)
            groups["dropout"] = {"state": np.frombuffer(text.encode(), np.uint8)}
        return groups

    def load_state(self, state: dict[str, dict[str, NDArray]]) -> None:
        """Take back what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        if dropout := self._dropout:
            dropout.rng = np.random.default_rng()
            dropout.rng.bit_generator.state = json.loads(state["dropout"]["state"].tobytes())


def train(
    recipe: MnistRecipe,
    training: data.Digits,
    validation: data.Digits,
    out: Path,
    seed: int = 0,
    resume: bool = False,
    quiet: bool = False,
) -> dict[str, Any]:
    """Train one network, write it to ``out`` as a model folder, and return its record.

    Args:
        recipe: what to do.
        training: digits to learn from.
        validation: digits to measure after each epoch, and to fit the temperature on.
        out: the run's folder.
        seed: of the initial weights and everything drawn.
        resume: go on from the checkpoint in ``out``, if there is one; see `training.engine.loop`.
        quiet: print nothing.

    Raises:
        TrainingError: if ``out`` holds another run, its recipe differs, or the loss diverges.
    """
    learner = MnistLearner(recipe, training, validation, seed)
    identity = {"recipe": plain(recipe), "seed": seed, "images": len(training)}
    progress = loop.begin(identity, provenance(PACKAGES))
    progress = loop.train(learner, progress, out, resume=resume, quiet=quiet)
    network = learner.network
    network.release()
    record = describe_run(network, progress, len(validation))
    record["calibration"] = calibrate_network(network, validation)
    write_model(out, network.state_dict(), config(network), record)
    return record


def augmented_batches(
    training: data.Digits, recipe: MnistRecipe, seed: int, epoch: int, first: int = 0
) -> Iterator[Batch]:
    """Yield an epoch's batches from number ``first``, shuffled.

    Each is prepared while the one before it is learned.
    Batch i draws from a generator of its own, seeded by (seed, epoch, i): the result does not
    depend on which thread prepares it, or when. The last, incomplete batch is left out.
    """
    order = np.random.default_rng((seed, epoch)).permutation(len(training))

    def prepare(index: int) -> Batch:
        chosen = order[index * recipe.batch : (index + 1) * recipe.batch]
        rng = np.random.default_rng((seed, epoch, index))
        images = recipe.augmentation(training.images[chosen], rng)
        return data.normalize(images), training.labels[chosen]

    with ThreadPoolExecutor(1, thread_name_prefix="augmentation") as worker:
        upcoming, steps = worker.submit(prepare, first), len(training) // recipe.batch
        for index in range(first + 1, steps + 1):
            ready = upcoming.result()
            if index < steps:
                upcoming = worker.submit(prepare, index)
            yield ready


def calibrate_network(network: NumpyCNN, validation: data.Digits) -> dict[str, Any]:
    """Fit the temperature on the validation digits and divide the last layer by it.

    Label smoothing leaves the network too modest. The logits are linear in the last layer's
    weights and bias, so that dividing those by T is temperature scaling; no answer changes.
    """
    logits = network.forward(data.normalize(validation.images))
    calibration = calibrate(logits, validation.labels)
    for array in network.layers["linear"].parameters.values():
        array /= calibration["temperature"]
    return calibration


def measure(network: NumpyCNN, digits: data.Digits, batch: int = 500) -> dict[str, float]:
    """Return loss (nats, without smoothing) and accuracy in evaluation mode."""
    total_loss, correct = 0.0, 0
    for start in range(0, len(digits), batch):
        labels = digits.labels[start : start + batch]
        logits = network.forward(data.normalize(digits.images[start : start + batch]))
        total_loss += softmax_cross_entropy(logits, labels)[0] * len(labels)
        correct += int((logits.argmax(axis=1) == labels).sum())
    return {"loss": total_loss / len(digits), "accuracy": correct / len(digits)}
