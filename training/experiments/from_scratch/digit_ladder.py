"""From softmax regression to 99.6 % on MNIST: what does each step bring?

    python -m training.experiments.from_scratch.digit_ladder --data-dir DIR

Each rung is a NumPy network trained with its own learning rate, three times; the last rungs are the
recorded runs of the recipe (``zoo/bundle``).

Rows, one a rung and seed:

- ``rung``: 0, 1, …; ``name``: "softmax regression", "two layers, 32 units", "two layers, 300
  units", "LeNet-like", "with BatchNorm", "with augmentation", "the recipe".
- ``change``: what is new, in a few words; ``seed``; ``learning_rate`` (null for a recorded run).
- ``parameters``, ``epochs``.
- ``accuracy``: on the validation digits; ``errors``: wrong ones; ``n``: of how many.
- ``recorded``: true if the row comes from a model's record instead of this experiment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import zoo
from training.data import mnist_digits
from training.data.augment_digits import DigitAugmentation
from training.data.mnist_digits import Digits
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.cells import CellGrid
from training.experiments.from_scratch.numpy_training import (
    Array,
    LayerStack,
    Network,
    NumpyRecipe,
    count,
    measure,
    train,
)
from training.experiments.interval_text import percent
from training.experiments.rate_search import SAID, RateSearch, train_all, tried_rates
from zoo.networks.numpy_cnn import Convolution, Flatten, Linear, MaxPooling, NumpyCNN, ReLU

NAME = "digit_ladder"
QUESTION = "Which steps lead from softmax regression to 99.6 % on MNIST?"
SEEDS = (0, 1, 2)
SEARCH = RateSearch(rates=(0.03, 0.1, 0.3), seeds=SEEDS)
CHANNELS = (16, 32, 64)
Generator = np.random.Generator


@dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Attributes:
        change: what is new.
        make: the network, from the generator of its initial weights.
        epochs: of its training.
        recipe: what else is set; see `NumpyRecipe`.
        augment: whether digits are turned, stretched, shifted and changed in stroke.
    """

    change: str
    make: Callable[[Generator], Network]
    epochs: int
    recipe: dict[str, Any] = field(default_factory=dict)
    augment: bool = False


def softmax_regression(rng: Generator) -> Network:
    """Return one linear layer."""
    return LayerStack([Linear(784, 10, rng=rng)], flat=True)


def two_layers(units: int) -> Callable[[Generator], Network]:
    """Return what makes a network with one hidden layer."""

    def make(rng: Generator) -> Network:
        return LayerStack([Linear(784, units, rng=rng), ReLU(), Linear(units, 10, rng=rng)], True)

    return make


def lenet(rng: Generator) -> Network:
    """Return two convolutions, each with ReLU and pooling, and three linear layers.

    LeCun et al. 1998, figure 2, with ReLU, max pooling and softmax.
    """
    return LayerStack(
        [
            Convolution(1, 6, 5, padding=2, bias=True, rng=rng, needs_dx=False),
            ReLU(), MaxPooling(2),
            Convolution(6, 16, 5, bias=True, rng=rng), ReLU(), MaxPooling(2), Flatten(),
            Linear(400, 120, rng=rng), ReLU(), Linear(120, 84, rng=rng), ReLU(),
            Linear(84, 10, rng=rng),
        ]
    )  # fmt: skip


def with_norm(rng: Generator) -> Network:
    """Return three convolutions with BatchNorm."""
    return NumpyCNN(channels=CHANNELS, seed=int(rng.integers(2**31)))


DECAY = {"weight_decay": 5e-4}
RUNGS = {
    "softmax regression": Rung("a linear layer", softmax_regression, 6, {"momentum": 0.0}),
    "two layers, 32 units": Rung(
        "a hidden layer with ReLU, plain SGD", two_layers(32), 6, {"momentum": 0.0}
    ),
    "two layers, 300 units": Rung("more units, momentum", two_layers(300), 8),
    "LeNet-like": Rung("convolutions and pooling", lenet, 6),
    "with BatchNorm": Rung("BatchNorm, three blocks, weight decay", with_norm, 6, DECAY),
    "with augmentation": Rung(
        "turned, stretched, shifted digits, smoothed labels", with_norm, 12,
        DECAY | {"smoothing": 0.1}, augment=True,
    ),
}  # fmt: skip
RECIPE = "the recipe"


def run(key: Mapping[str, Any], training: Digits, validation: Digits) -> dict[str, Any]:
    """Train one rung with one seed."""
    rung, augmentation = RUNGS[key["name"]], DigitAugmentation()
    network = rung.make(np.random.default_rng((key["seed"], 1)))
    recipe = NumpyRecipe(key["learning_rate"], key["epochs"], **rung.recipe)

    def prepare(images: Array, rng: Generator) -> Array:
        return mnist_digits.normalize(augmentation(images, rng) if rung.augment else images)

    learned = train(network, recipe, training.images, training.labels, key["seed"], prepare)
    found = measure(network, validation.images, validation.labels, mnist_digits.normalize)
    return found | learned | {"parameters": count(network)}


def recorded(rung: int) -> list[dict[str, Any]]:
    """Return the rows of the shipped network: what its record says of each seed."""
    record = zoo.record("mnist", source="bundle")
    n = record["metrics"]["validation"]["n"]
    return [
        {
            "rung": rung,
            "name": RECIPE,
            "change": "wider, dropout, more epochs: python -m training.mnist",
            "seed": one["seed"],
            "learning_rate": None,
            "parameters": record["parameters"],
            "epochs": record["recipe"]["epochs"],
            "accuracy": one["validation_accuracy"],
            "errors": round(n * (1 - one["validation_accuracy"])),
            "n": n,
            "recorded": True,
        }
        for one in record["seeds"]
    ]


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    values = {n: [row["accuracy"] for row in rows if row["name"] == n] for n in names}
    told = ", ".join(f"{name} {percent(values[name], 2)}" for name in names)
    return f"Validation accuracy on MNIST, rung by rung (mean, 95 % interval): {told}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, f"runs/{NAME}").parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy",))
    training = mnist_digits.load(options.data_dir, "train")
    validation = mnist_digits.load(options.data_dir, "validation")
    search = SEARCH
    if options.quick:
        training = Digits(training.images[:200], training.labels[:200])
        validation = Digits(validation.images[:50], validation.labels[:50])
        search = RateSearch((0.1,), SEEDS[:1])
    variants = [
        {"name": name, "epochs": 1 if options.quick else rung.epochs, "images": len(training)}
        for name, rung in RUNGS.items()
    ]
    grid, rows = CellGrid(options.out), []
    trained = train_all(grid, variants, search, lambda key: run(key, training, validation))
    for number, one in enumerate(trained):
        name = one.variant["name"]
        for seed, result in one.results.items():
            rows.append(
                {
                    "rung": number,
                    "name": name,
                    "change": RUNGS[name].change,
                    "seed": seed,
                    "learning_rate": one.learning_rate,
                    "parameters": result["parameters"],
                    "epochs": one.variant["epochs"],
                    "accuracy": result["accuracy"],
                    "errors": round(len(validation) * (1 - result["accuracy"])),
                    "n": len(validation),
                    "recorded": False,
                }
            )
    rows += recorded(len(RUNGS))
    return study.conclude(
        rows,
        finding(rows),
        search.seeds,
        tried=tried_rates(trained),
        limits="a rung may bring several small changes, and some train longer; the last rung has "
        f"the seeds of its record; {SAID}.",
        measured_on=f"MNIST, {len(validation):,} validation digits",
        quick=options.quick,
        cell_commits=sorted(grid.commits),
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
