"""Train the NumPy network with two norms side by side, for as long as somebody watches."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.errors import ZooError
from zoo.networks.numpy_cnn import SGD, NumpyCNN, softmax_cross_entropy

CHANNELS = (8, 16, 32)
FALLEN = 1000.0  # a training loss, in nats, that no network comes back from; guessing costs 2.3


@dataclass(frozen=True)
class Snapshot:
    """Where the networks are.

    Attributes:
        step: training steps so far, the same for all.
        seconds: since the start, all networks' steps together.
        losses: training loss by norm, mean since the snapshot before; NaN for one that has
            diverged.
        accuracies: on the held-out digits, by norm, in [0, 1].
    """

    step: int
    seconds: float
    losses: dict[str, float]
    accuracies: dict[str, float]


class _Learner:
    """One network and its optimizer."""

    def __init__(self, norm: str, learning_rate: float, seed: int) -> None:
        self.network = NumpyCNN(channels=CHANNELS, norm=norm, seed=seed)
        self.optimizer = SGD(self.network.parameters)
        self.learning_rate = learning_rate
        self.losses: list[float] = []
        self.fallen = False

    def step(self, inputs: np.ndarray, labels: np.ndarray) -> None:
        """Learn from a batch, unless the loss is past saving."""
        if self.fallen:
            return
        with np.errstate(all="ignore"):  # a diverging network overflows, and shall be seen to
            logits = self.network.forward(inputs, training=True)
            loss, dlogits = softmax_cross_entropy(logits, labels)
            self.fallen = not loss < FALLEN
            if self.fallen:
                return
            self.network.backward(dlogits)
            self.optimizer.step(self.network.gradients, self.learning_rate)
        self.losses.append(loss)

    def mean_loss(self) -> float:
        """Return the mean loss since the last call."""
        mean = float(np.mean(self.losses)) if self.losses else math.nan
        self.losses.clear()
        return math.nan if self.fallen else mean

    def accuracy(self, inputs: np.ndarray, labels: np.ndarray) -> float:
        """Return the share of right answers; one that is no number is wrong."""
        with np.errstate(all="ignore"):
            logits = self.network.forward(inputs)
        right = (logits.argmax(axis=1) == labels) & np.isfinite(logits).all(axis=1)
        return float(right.mean())


def train_side_by_side(
    images: np.ndarray,
    labels: np.ndarray,
    *,
    norms: Sequence[str] = ("batch", "none"),
    learning_rate: float = 0.1,
    batch: int = 32,
    held_out: int = 400,
    seconds: float = 20.0,
    steps: int | None = None,
    every: float = 0.4,
    every_steps: int | None = None,
    seed: int = 0,
) -> Iterator[Snapshot]:
    """Train the NumPy network once for each norm, in turns, on the same batches.

    Every network starts from the same weights of its convolutions and makes the same number of
    steps, with Nesterov SGD (momentum 0.9) at a constant learning rate.

    Args:
        images: digits, uint8 (N, 28, 28).
        labels: integers 0 to 9, (N,).
        norms: of ``"batch"``, ``"group"``, ``"layer"`` and ``"none"``.
        learning_rate: of SGD.
        batch: digits a step, at least 2.
        held_out: the last so many digits are not trained on and give the accuracy.
        seconds: how long to go on.
        steps: stop after so many steps, if that is sooner.
        every: seconds between two snapshots.
        every_steps: steps between two snapshots, instead: the same ones on any machine.
        seed: of the weights and the order.

    Yields:
        A snapshot before the first step, then one every so often, the last after ``seconds`` or
        ``steps``.
        Whoever stops asking stops the training.

    Raises:
        ZooError: too few digits for a batch.
    """
    count = len(images) - held_out
    if held_out < 1 or not 2 <= batch <= count:
        raise ZooError(f"A batch of {batch} does not suit {count} digits to train on.")
    inputs = _normalized(images, count)[:, None]
    learners = {norm: _Learner(norm, learning_rate, seed) for norm in norms}
    test = inputs[count:], labels[count:]
    start = time.perf_counter()
    yield _snapshot(0, start, learners, *test)
    shown, step = start, 0
    while True:
        order = np.random.default_rng((seed, step)).permutation(count)
        for first in range(0, count - batch + 1, batch):
            chosen = order[first : first + batch]
            for learner in learners.values():
                learner.step(inputs[chosen], labels[chosen])
            step += 1
            now = time.perf_counter()
            over = now - start >= seconds or step == steps
            over = over or all(learner.fallen for learner in learners.values())
            due = step % every_steps == 0 if every_steps else now - shown >= every
            if over or due:
                yield _snapshot(step, start, learners, *test)
                shown = time.perf_counter()
            if over:
                return


def _normalized(images: np.ndarray, count: int) -> np.ndarray:
    """Return images as float32; the first so many have the mean 0 and the std 1."""
    values = images.astype(np.float32)
    mean, std = float(values[:count].mean()), float(values[:count].std())
    return (values - np.float32(mean)) / np.float32(std or 1)


def _snapshot(
    step: int,
    start: float,
    learners: dict[str, _Learner],
    inputs: np.ndarray,
    labels: np.ndarray,
) -> Snapshot:
    losses = {norm: learner.mean_loss() for norm, learner in learners.items()}
    accuracies = {norm: learner.accuracy(inputs, labels) for norm, learner in learners.items()}
    return Snapshot(step, time.perf_counter() - start, losses, accuracies)
