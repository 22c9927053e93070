"""What changes when the same network sees gray images instead of colour?

    python -m training.experiments.from_scratch.gray_or_rgb --data-dir DIR

The NumPy network learns CIFAR-10 five times from each kind of input, with the learning rate that
suits that kind best. Three controls: gray copied into three channels has the parameters of RGB
without its information; channels exchanged for good (blue, green, red) have the information in
another order; channels shuffled anew in each image keep the contrasts and lose which is which.
The networks that learned RGB are also shown BGR, which is what OpenCV hands out.

Rows, one a variant and seed:

- ``variant``: "RGB", "gray", "gray copied three times", "channels exchanged", "channels shuffled in
  each image".
- ``seed``, ``learning_rate``.
- ``parameters``, ``first_layer_parameters``; ``multiply_adds``: of a forward pass, per image.
- ``accuracy``, ``loss``: on the validation images, in the form that was learned.
- ``accuracy_as_bgr``: of the variant "RGB" with red and blue exchanged; null for the others.
- ``accuracy_as_gray``: of the variant "RGB" shown gray images (three equal channels); else null.
- ``seconds``: of the training, on a machine that did other things too: not for comparison
  (`backward_cost` has the time of a step).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data import cifar_images
from training.data.cifar_images import LabelledImages
from training.engine.failures import run_command
from training.experiments import command
from training.experiments.cells import CellGrid
from training.experiments.from_scratch.numpy_training import (
    NumpyRecipe,
    measure,
    multiply_adds,
    train,
)
from training.experiments.interval_text import percent, tie_sentence, ties
from training.experiments.rate_search import SAID, RateSearch, train_all, tried_rates
from zoo.networks.numpy_cnn import NumpyCNN

NAME = "gray_or_rgb"
QUESTION = "What changes when the same network sees gray images instead of colour?"
Array = NDArray[Any]
SEARCH = RateSearch(rates=(0.03, 0.1, 0.3), seeds=(0, 1, 2, 3, 4))
IMAGES, EPOCHS, CHANNELS = 20_000, 6, (16, 32, 64)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow's "L"


def gray(images: Array, _: np.random.Generator) -> Array:
    """Return the brightness, uint8 (N, H, W, 1)."""
    return (images @ LUMA + 0.5).astype(np.uint8)[..., None]


def copied(images: Array, rng: np.random.Generator) -> Array:
    """Return the brightness three times, uint8 (N, H, W, 3)."""
    return np.repeat(gray(images, rng), 3, axis=3)


def exchanged(images: Array, _: np.random.Generator) -> Array:
    """Return blue, green, red instead of red, green, blue."""
    return images[..., ::-1]


def shuffled(images: Array, rng: np.random.Generator) -> Array:
    """Return each image's channels in an order of its own."""
    orders = rng.permuted(np.tile(np.arange(3), (len(images), 1)), axis=1)
    return np.take_along_axis(images, orders[:, None, None, :], axis=3)


FORMS: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "RGB": lambda images, _: images,
    "gray": gray,
    "gray copied three times": copied,
    "channels exchanged": exchanged,
    "channels shuffled in each image": shuffled,
}


def statistics_of(form: str, training: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of each channel, float32 (C,), of images in a form."""
    seen = FORMS[form](training[:5000], np.random.default_rng(0)).astype(np.float32)
    return seen.mean(axis=(0, 1, 2)), seen.std(axis=(0, 1, 2))


def prepare(
    form: str, statistics: tuple[Array, Array], images: Array, rng: np.random.Generator
) -> Array:
    """Return normalized images in a form, float32 (N, C, H, W)."""
    seen = (FORMS[form](images, rng) - statistics[0]) / statistics[1]
    return np.ascontiguousarray(seen.transpose(0, 3, 1, 2), dtype=np.float32)


def mirrored(images: Array, rng: np.random.Generator) -> Array:
    """Mirror half of the images, drawn anew."""
    flips = rng.random(len(images)) < 0.5
    return np.where(flips[:, None, None, None], images[:, :, ::-1], images)


def run(
    key: Mapping[str, Any], training: LabelledImages, validation: LabelledImages
) -> dict[str, Any]:
    """Train one network from scratch on one form of the images."""
    form, seed = key["variant"], key["seed"]
    statistics = statistics_of(form, training.images)
    network = make(form, key["channels"], seed)
    recipe = NumpyRecipe(key["learning_rate"], key["epochs"], key["batch"], weight_decay=5e-4)
    chosen = np.random.default_rng(0).permutation(len(training))[: key["images"]]
    learned = train(
        network, recipe, training.images[chosen], training.labels[chosen], seed,
        lambda images, rng: prepare(form, statistics, mirrored(images, rng), rng),
    )  # fmt: skip

    def accuracy(shown: str) -> dict[str, float]:
        rng = np.random.default_rng((seed, 3))
        see = FORMS[shown]
        normal = partial(prepare, form, statistics, rng=rng)
        return measure(network, validation.images, validation.labels, lambda x: normal(see(x, rng)))

    found = accuracy("RGB")  # the network's own form comes on top of it
    others: dict[str, float | None] = {"accuracy_as_bgr": None, "accuracy_as_gray": None}
    if form == "RGB":
        others = {
            "accuracy_as_bgr": accuracy("channels exchanged")["accuracy"],
            "accuracy_as_gray": accuracy("gray copied three times")["accuracy"],
        }
    return found | others | learned


def make(form: str, channels: Sequence[int], seed: int) -> NumpyCNN:
    """Return the network for a form: one input channel or three."""
    return NumpyCNN(
        1 if form == "gray" else 3, size=cifar_images.SIZE, channels=channels, seed=seed
    )


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""

    values = {f: [row["accuracy"] for row in rows if row["variant"] == f] for f in FORMS}
    told = ", ".join(f"{percent(values[form])} {form}" for form in FORMS)
    rgb = [row for row in rows if row["variant"] == "RGB"]
    gray_row = next(row for row in rows if row["variant"] == "gray")
    return (
        f"Validation accuracy, mean of {len(rgb)} seeds and 95 % interval: {told}; with "
        f"{rgb[0]['parameters']:,} parameters for RGB and "
        f"{gray_row['parameters']:,} for gray, and {rgb[0]['multiply_adds'] / 1e6:.2f} instead of "
        f"{gray_row['multiply_adds'] / 1e6:.2f} million multiplications. Shown BGR, the networks "
        f"that learned RGB get {percent(mean(row['accuracy_as_bgr'] for row in rgb))} right."
        f"{tie_sentence(ties(values, 'RGB'), 'RGB')}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the experiment and write its JSON."""
    options = command.parser(QUESTION, f"runs/{NAME}").parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("numpy",))
    training = cifar_images.load(options.data_dir, "train")
    validation = cifar_images.load(options.data_dir, "validation")
    settings = {"images": IMAGES, "epochs": EPOCHS, "batch": 128, "channels": list(CHANNELS)}
    search = SEARCH
    if options.quick:
        settings |= {"images": 32, "epochs": 1, "batch": 16, "channels": [2, 2]}
        validation, search = validation[:20], RateSearch((0.1,), SEARCH.seeds[:1])
    variants = [{"variant": form} | settings for form in FORMS]
    grid, rows = CellGrid(options.out), []
    trained = train_all(grid, variants, search, lambda key: run(key, training, validation))
    shown = ("accuracy", "loss", "accuracy_as_bgr", "accuracy_as_gray", "seconds")
    for one in trained:
        network = make(one.variant["variant"], one.variant["channels"], 0)
        facts = {
            "parameters": network.num_parameters,
            "first_layer_parameters": network.parameters["conv1.weight"].size,
            "multiply_adds": multiply_adds(network),
        }
        for seed, result in one.results.items():
            name = {"variant": one.variant["variant"], "seed": seed}
            name["learning_rate"] = one.learning_rate
            rows.append(name | facts | {column: result[column] for column in shown})
    return study.conclude(
        rows,
        finding(rows),
        search.seeds,
        tried=tried_rates(trained),
        limits=f"a small network ({', '.join(map(str, CHANNELS))} channels), {IMAGES:,} images and "
        f"{EPOCHS} epochs, mirrored at random; {SAID}.",
        measured_on=f"CIFAR-10, {len(validation):,} validation images",
        quick=options.quick,
        cell_commits=sorted(grid.commits),
    )


if __name__ == "__main__":
    run_command(main, command.GO_ON)
