"""What does a backward pass cost beside a forward pass, in time and memory?

    python -m training.experiments.from_scratch.backward_cost --data-dir DIR

The NumPy layers and whole networks, one after the other on an idle machine: forward passes as in
use, forward passes that keep what backward needs, backward passes. All take turns. Beside them the
networks for gray and RGB images of 32 × 32 pixels, for the question what colour costs.

Rows, one a subject and round:

- ``subject``: "Convolution 32 → 64", "BatchNorm", …, or "whole network, digits", "whole network,
  gray 32 × 32", "whole network, RGB 32 × 32".
- ``batch``: images; ``threads``: of NumPy.
- ``round``: 0, 1, …: each of them a fair turn.
- ``forward_ms``, ``training_forward_ms``, ``backward_ms``: of one pass over the batch.
- ``ratio``: backward_ms / training_forward_ms.
- ``kept_mib``: what is held between the two passes, in MiB; ``input_mib``: the batch itself.
- ``multiply_adds``: of a forward pass, per image (convolutions and linear layers).
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from training.engine.failures import run_command
from training.experiments import command
from training.experiments.from_scratch.numpy_training import multiply_adds
from zoo.networks.numpy_cnn import (
    BatchNorm,
    Convolution,
    GroupNorm,
    Layer,
    LayerNorm,
    Linear,
    MaxPooling,
    NumpyCNN,
    ReLU,
    parallel,
)

NAME = "backward_cost"
QUESTION = "What does a backward pass cost over a forward pass, in time and memory?"
BATCH, ROUNDS = 128, 7
Array = NDArray[Any]
Part = tuple[Layer | NumpyCNN, Array, int]  # its input, its multiplications for an image


class TimedSubject:
    """A layer or a network, with an input and a gradient that arrives at its output.

    Attributes:
        forward: with or without keeping what backward needs.
        backward: takes the gradient at the output.
        input_mib: size of the input.
        multiply_adds: of a forward pass of one image; 0 where there is no matrix product.
    """

    def __init__(self, part: Layer | NumpyCNN, x: Array, multiply_adds: int) -> None:
        self.part, self.x, self.multiply_adds = part, x, multiply_adds
        self.dy = np.ones_like(self.forward(True))

    def forward(self, training: bool) -> Array:
        """Return the output."""
        return self.part.forward(self.x, training)

    def backward(self) -> None:
        """Propagate a gradient back."""
        self.part.backward(self.dy.copy())

    @property
    def input_mib(self) -> float:
        """The input's size in MiB."""
        return round(self.x.nbytes / 2**20, 3)


def parts(batch: int) -> dict[str, Part]:
    """Return what is timed: the layers of the digits' network, and whole networks."""
    rng = np.random.default_rng(0)

    def images(*shape: int) -> Array:
        return rng.standard_normal(shape).astype(np.float32)

    maps = images(32, 14, 14, batch)
    convolution = Convolution(32, 64, 3, padding=1, rng=rng)
    found: dict[str, Part] = {
        "Convolution 32 → 64": (convolution, maps, 32 * 64 * 9 * 14 * 14),
        "Linear 1152 → 10": (Linear(1152, 10, rng=rng), images(1152, batch), 11520),
        "MaxPooling": (MaxPooling(2), maps, 0),
        "ReLU": (ReLU(), maps, 0),
        "BatchNorm": (BatchNorm(32), maps, 0),
        "GroupNorm": (GroupNorm(8, 32), maps, 0),
        "LayerNorm": (LayerNorm(32), maps, 0),
    }
    networks = {"digits": (1, 28), "gray 32 × 32": (1, 32), "RGB 32 × 32": (3, 32)}
    for name, (channels, size) in networks.items():
        network = NumpyCNN(channels, size=size, seed=0)
        x = images(batch, channels, size, size)
        found[f"whole network, {name}"] = (network, x, multiply_adds(network))
    return found


def kept_mib(name: str, batch: int) -> float:
    """Return how much the first forward pass in training leaves in memory for the backward pass."""
    part, x, _ = parts(batch)[name]
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        part.forward(x, True)
        return round((tracemalloc.get_traced_memory()[0] - before) / 2**20, 3)
    finally:
        tracemalloc.stop()


def timed(work: Callable[[], object]) -> float:
    """Return the milliseconds of a call, the best of two."""
    spent = []
    for _ in range(2):
        start = time.perf_counter()
        work()
        spent.append(1000 * (time.perf_counter() - start))
    return min(spent)


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""

    def of(subject: str, column: str) -> float:
        return median(row[column] for row in rows if row["subject"] == subject)

    whole, convolution = "whole network, digits", "Convolution 32 → 64"
    rgb, gray = (f"whole network, {name} 32 × 32" for name in ("RGB", "gray"))

    def step(subject: str) -> float:
        return of(subject, "training_forward_ms") + of(subject, "backward_ms")

    return (
        f"A backward pass takes {of(whole, 'ratio'):.2f} times the forward pass in the whole "
        f"network and {of(convolution, 'ratio'):.2f} times in a convolution, and the network keeps "
        f"{of(whole, 'kept_mib'):.0f} MiB in between for an input of "
        f"{of(whole, 'input_mib'):.1f} MiB. A step on RGB images takes "
        f"{step(rgb) / step(gray):.2f} times as long as on gray ones."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, f"runs/{NAME}").parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy",))
    batch, rounds = (4, 1) if options.quick else (BATCH, ROUNDS)
    rows: list[dict[str, Any]] = []
    with threadpool_limits(1, "blas"):  # the layers use threads of their own
        made = {name: TimedSubject(*part) for name, part in parts(batch).items()}
        kept = {name: kept_mib(name, batch) for name in made}
        for number in range(-1, rounds):  # the first one warms up
            for name, subject in made.items():
                inference = timed(partial(subject.forward, False))
                training = timed(partial(subject.forward, True))
                backward = timed(subject.backward)
                row = {
                    "subject": name,
                    "batch": batch,
                    "threads": parallel.get_threads(),
                    "round": number,
                    "forward_ms": inference,
                    "training_forward_ms": training,
                    "backward_ms": backward,
                    "ratio": backward / training,
                    "kept_mib": kept[name],
                    "input_mib": subject.input_mib,
                    "multiply_adds": subject.multiply_adds,
                }
                rows += [row] if number >= 0 else []
    return study.conclude(
        rows,
        finding(rows),
        [0],
        limits="one machine; the first convolution of a whole network computes no gradient for its "
        "input; a round stands where others have a seed.",
        quick=options.quick,
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
