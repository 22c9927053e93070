"""Train the NumPy network on MNIST.

    python -m training.mnist --data-dir DIR --out runs/mnist --seed 0 1 2 --export

One network of 105 thousand parameters, one view of each image, no ensemble. The claim and the
numbers behind it are in ``zoo/bundle/mnist/record.json``.

The recipe, top to bottom: augment (flags on ones and bars through sevens, affine maps, stroke
width), normalize, three blocks of convolution, pooling, BatchNorm and ReLU, dropout, one linear
layer; cross-entropy with label smoothing, and outlier exposure: images of no single digit are
answered with the same probability for every class; SGD with Nesterov momentum; a warm-up, then a
cosine to zero. All choices were made on the 5,000 validation digits. The weights after the last
epoch are the result: none is picked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from training.data import mnist_digits as data
from training.data import not_digits
from training.data.augment_digits import DigitAugmentation
from training.data.drawn_look_alikes import LookAlikes
from training.engine import loop
from training.engine.failures import TrainingError
from training.engine.model_folder import write_model
from training.engine.options import check_batch
from training.engine.provenance import provenance
from training.metrics.digit_outliers import COUNT, measure_digit_ood
from training.mnist.held_out_digits import calibrate_network, measure, probabilities
from training.mnist.mnist_record import config, describe_run
from zoo.networks.numpy_cnn import (
    SGD,
    Dropout,
    NumpyCNN,
    softmax_cross_entropy,
    warmup_cosine,
)

PACKAGES = ("numpy", "safetensors")
Batch = tuple[NDArray[np.float32], NDArray[np.uint8]]  # (N + outliers, 1, 28, 28), normalized; (N,)


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
    look_alikes: LookAlikes = field(default_factory=LookAlikes)
    outlier_images: float = 0.08  # images of no digit, for each training image; drawn once
    outlier_share: float = 0.0625  # of them in a batch, for each digit
    outlier_weight: float = 0.5  # of their loss (λ of Hendrycks et al. 2019, eq. 1)


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

    @cached_property
    def outliers(self) -> NDArray[np.uint8]:
        """The run's images of no single digit, uint8 (N, 28, 28)."""
        count = round(self.recipe.outlier_images * len(self.training))
        rng = np.random.default_rng((self.seed, 2_000_000))
        return not_digits.draw(count, self.training.images, rng)

    def batches(self, epoch: int, first: int) -> Iterator[Batch]:
        """Yield an epoch's batches; what dropout draws goes on from the learner's state."""
        if first == 0 and (dropout := self._dropout):
            dropout.rng = np.random.default_rng((self.seed, epoch, 1_000_000))
        with threadpool_limits(1, "blas"):  # see zoo.networks.numpy_cnn.parallel
            yield from augmented_batches(
                self.training, self.outliers, self.recipe, self.seed, epoch, first
            )

    def learn(self, batch: Batch, step: int) -> NDArray[np.float64]:
        """Take a step; return sums of loss and hits, and the number of images.

        They are those of the augmented digits, in training mode, while the weights change.
        """
        images, labels = batch
        every = self.network.forward(images, training=True)
        logits, unknown = every[: len(labels)], every[len(labels) :]
        loss, dlogits = softmax_cross_entropy(logits, labels, self.recipe.label_smoothing)
        exposure = self.recipe.outlier_weight * towards_even(unknown)
        self.network.backward(np.concatenate([dlogits, exposure]))
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
    identity = {"seed": seed, "images": len(training)}
    progress = loop.begin(recipe, identity, provenance(PACKAGES))
    progress = loop.train(learner, progress, out, resume=resume, quiet=quiet)
    network = learner.network
    network.release()
    record = describe_run(network, progress, len(validation))
    record["calibration"] = calibrate_network(network, validation)
    record["ood"] = measure_digit_ood(
        lambda images: probabilities(network, images),
        validation.images,
        count=min(COUNT, max(1, len(validation) // 20)),
    )
    write_model(out, network.state_dict(), config(network, record["ood"]["threshold"]), record)
    return record


def towards_even(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the gradient of outlier exposure's loss: the cross-entropy to 1/K for every class.

    That is label smoothing with s = 1, for which the label does not matter.
    """
    if len(logits) == 0:
        return logits
    return softmax_cross_entropy(logits, np.zeros(len(logits), np.uint8), smoothing=1.0)[1]


def augmented_batches(
    training: data.Digits,
    outliers: NDArray[np.uint8],
    recipe: MnistRecipe,
    seed: int,
    epoch: int,
    first: int = 0,
) -> Iterator[Batch]:
    """Yield an epoch's batches from number ``first``, shuffled.

    A batch's images are its digits, as many as it has labels, and then its outliers. It is
    prepared while the one before it is learned.
    Batch i draws from a generator of its own, seeded by (seed, epoch, i): the result does not
    depend on which thread prepares it, or when. The last, incomplete batch is left out.
    """
    order = np.random.default_rng((seed, epoch)).permutation(len(training))

    def prepare(index: int) -> Batch:
        chosen = order[index * recipe.batch : (index + 1) * recipe.batch]
        rng = np.random.default_rng((seed, epoch, index))
        labels = training.labels[chosen]
        digits = recipe.look_alikes(training.images[chosen], labels, rng)
        share = round(recipe.outlier_share * recipe.batch) if len(outliers) else 0
        others = outliers[rng.integers(0, max(len(outliers), 1), share)]
        images = recipe.augmentation(np.concatenate([digits, others]), rng)
        return data.normalize(images), labels

    with ThreadPoolExecutor(1, thread_name_prefix="augmentation") as worker:
        upcoming, steps = worker.submit(prepare, first), len(training) // recipe.batch
        for index in range(first + 1, steps + 1):
            ready = upcoming.result()
            if index < steps:
                upcoming = worker.submit(prepare, index)
            yield ready
