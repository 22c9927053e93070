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

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from training.data import mnist_digits as data
from training.data import not_digits
from training.data.augment_digits import DigitAugmentation
from training.data.digit_look_alikes import LookAlikes
from training.engine.checkpoint import restore, save_checkpoint
from training.engine.failures import diverged
from training.engine.model_folder import config_of, write_model
from training.engine.options import CHECKPOINT, add_arguments, finish, run_folders
from training.engine.provenance import git_commit, provenance
from training.engine.temperature_scaling import calibrate
from training.metrics.digit_outliers import COUNT, measure_digit_ood
from zoo.functions import softmax
from zoo.networks.numpy_cnn import (
    SGD,
    Dropout,
    NumpyCNN,
    softmax_cross_entropy,
    warmup_cosine,
)
from zoo.preprocessing.preprocessing import Preprocessing
from zoo.weights.schema import FORMAT


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
    outlier_share: float = 0.125  # of them in a batch, for each digit
    outlier_weight: float = 0.5  # of their loss (λ of Hendrycks et al. 2019, eq. 1)


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

    A checkpoint is written after every epoch. What is random in an epoch depends on the seed and
    the epoch's number alone, so that a run that was killed and resumed ends with the same
    weights, bit for bit.

    Raises:
        TrainingError: if ``out`` holds another run, its recipe differs, or the loss diverges.
    """
    network = NumpyCNN(channels=recipe.channels, dropout=recipe.dropout, seed=seed)
    optimizer = SGD(network.parameters, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
    checkpoint = out / CHECKPOINT
    identity = {"recipe": _plain(recipe), "seed": seed, "images": len(training)}
    progress: dict[str, Any] = {"identity": identity, "history": [], "record": provenance(PACKAGES)}
    if found := restore(checkpoint, identity, resume):
        groups, progress = found
        network.load_state_dict(groups["network"])
        optimizer.load_state_dict(groups["optimizer"])
        progress.setdefault("resumed", []).append(git_commit())

    history = progress["history"]
    unfinished = len(history) < recipe.epochs
    outliers = draw_outliers(recipe, training, seed) if unfinished else training.images[:0]
    for epoch in range(len(history), recipe.epochs):
        start = time.perf_counter()
        with threadpool_limits(1, "blas"):  # see zoo.networks.numpy_cnn.parallel
            learned = train_epoch(
                network, optimizer, recipe, training, outliers, seed, epoch, quiet
            )
        seconds = time.perf_counter() - start
        held_out = measure(network, validation)
        row = {"epoch": epoch + 1, "seconds": round(seconds, 2)} | learned
        history.append(row | {"validation": held_out})
        groups = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
        save_checkpoint(checkpoint, groups, progress)
        if not quiet:
            print(
                f"epoch {epoch + 1:2d}  loss {learned['train']['loss']:.4f}  "
                f"validation {held_out['accuracy']:.2%}  {seconds:.1f} s",
                flush=True,
            )
    network.release()
    record = _record(recipe, network, progress, seed, len(validation))
    record["calibration"] = calibrate_network(network, validation)
    record["ood"] = measure_digit_ood(
        lambda images: probabilities(network, images),
        validation.images,
        count=min(COUNT, len(validation) // 20),
    )
    threshold = record["ood"]["threshold"]
    write_model(out, network.state_dict(), _config(network, threshold), record)
    return record


def train_epoch(
    network: NumpyCNN,
    optimizer: SGD,
    recipe: MnistRecipe,
    training: data.Digits,
    outliers: NDArray[np.uint8],
    seed: int,
    epoch: int,
    quiet: bool = False,
) -> dict[str, Any]:
    """Go once through the training images and return the epoch's learning rate and metrics.

    The metrics are those of the augmented batches, in training mode, while the weights change.
    """
    steps = len(training) // recipe.batch
    _reseed_dropout(network, seed, epoch)
    total_loss, correct, rate = 0.0, 0, 0.0
    batches = augmented_batches(training, outliers, recipe, seed, epoch)
    bar = tqdm(
        batches, f"epoch {epoch + 1}/{recipe.epochs}", steps, leave=False, disable=quiet or None
    )
    for index, (images, labels) in enumerate(bar):
        rate = warmup_cosine(
            epoch * steps + index,
            steps=recipe.epochs * steps,
            warmup=min(round(recipe.warmup_epochs * steps), recipe.epochs * steps // 2),
            peak=recipe.peak_learning_rate,
        )
        every = network.forward(images, training=True)
        logits, unknown = every[: len(labels)], every[len(labels) :]
        loss, dlogits = softmax_cross_entropy(logits, labels, recipe.label_smoothing)
        if not np.isfinite(loss):
            raise diverged("loss", loss, epoch + 1)
        network.backward(np.concatenate([dlogits, recipe.outlier_weight * towards_even(unknown)]))
        optimizer.step(network.gradients, rate)
        total_loss += loss
        correct += int((logits.argmax(axis=1) == labels).sum())
        if index % 20 == 0:
            seen = (index + 1) * recipe.batch
            bar.set_postfix(
                loss=f"{total_loss / (index + 1):.3f}", accuracy=f"{correct / seen:.3f}"
            )
    metrics = {"loss": total_loss / steps, "accuracy": correct / (steps * recipe.batch)}
    return {"learning_rate": rate, "train": metrics}


def draw_outliers(recipe: MnistRecipe, training: data.Digits, seed: int) -> NDArray[np.uint8]:
    """Return the run's images of no single digit, uint8 (N, 28, 28)."""
    count = round(recipe.outlier_images * len(training))
    return not_digits.draw(count, training.images, np.random.default_rng((seed, 2_000_000)))


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
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
    """Yield an epoch's batches, shuffled; each is prepared while the one before it is learned.

    A batch's images are its digits, as many as it has labels, and then its outliers.

    Batch i draws from a generator of its own, seeded by (seed, epoch, i): the result does not
    depend on which thread prepares it, or when. The last, incomplete batch is left out.
    """
    order = np.random.default_rng((seed, epoch)).permutation(len(training))

    def prepare(index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        chosen = order[index * recipe.batch : (index + 1) * recipe.batch]
        rng = np.random.default_rng((seed, epoch, index))
        labels = training.labels[chosen]
        digits = recipe.look_alikes(training.images[chosen], labels, rng)
        share = round(recipe.outlier_share * recipe.batch) if len(outliers) else 0
        others = outliers[rng.integers(0, max(len(outliers), 1), share)]
        images = recipe.augmentation(np.concatenate([digits, others]), rng)
        return data.normalize(images), labels

    with ThreadPoolExecutor(1, thread_name_prefix="augmentation") as worker:
        upcoming = worker.submit(prepare, 0)
        for index in range(1, len(training) // recipe.batch + 1):
            ready = upcoming.result()
            if index < len(training) // recipe.batch:
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


def probabilities(
    network: NumpyCNN, images: NDArray[np.uint8], batch: int = 500
) -> NDArray[np.floating]:
    """Return the network's probabilities (N, 10) for images (N, 28, 28), uint8."""
    starts = range(0, len(images), batch)
    logits = [network.forward(data.normalize(images[i : i + batch])) for i in starts]
    return softmax(np.concatenate(logits))


def measure(network: NumpyCNN, digits: data.Digits, batch: int = 500) -> dict[str, float]:
    """Return loss (nats, without smoothing) and accuracy in evaluation mode."""
    total_loss, correct = 0.0, 0
    for start in range(0, len(digits), batch):
        labels = digits.labels[start : start + batch]
        logits = network.forward(data.normalize(digits.images[start : start + batch]))
        total_loss += softmax_cross_entropy(logits, labels)[0] * len(labels)
        correct += int((logits.argmax(axis=1) == labels).sum())
    return {"loss": total_loss / len(digits), "accuracy": correct / len(digits)}


PACKAGES = ("numpy", "safetensors")


def _reseed_dropout(network: NumpyCNN, seed: int, epoch: int) -> None:
    dropout = network.layers.get("dropout")
    if isinstance(dropout, Dropout):
        dropout.rng = np.random.default_rng((seed, epoch, 1_000_000))


def _plain(recipe: MnistRecipe) -> dict[str, Any]:
    """Return the recipe as JSON gives it back: lists instead of tuples."""
    look_alikes = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(recipe.look_alikes).items()
    }
    return asdict(recipe) | {"channels": list(recipe.channels), "look_alikes": look_alikes}


PREPROCESSING = Preprocessing(
    "mnist_digit", channels=1, height=28, width=28, mean=(data.MEAN,), std=(data.STD,)
)
ABOUT = {
    "title": "Digits",
    "samples": "digits",
    "image_set": "mnist",
    "limitations": "It knows the ten digits and nothing else. What is no single digit (two digits, "
    "a letter, a scribble, a photo) mostly raises its warning; what goes unnoticed gets a digit's "
    "name, and a few true digits that are written unusually raise the warning too. It was trained "
    "on single digits, written mostly by American adults and students, light on dark and centred; "
    "`zoo` brings drawings and photos into that form first, "
    "the bare network does not.",
}


def _config(network: NumpyCNN, ood_threshold: float) -> dict[str, Any]:
    return config_of(
        network,
        model="mnist",
        task="classification",
        preprocessing=PREPROCESSING,
        labels=[str(digit) for digit in range(10)],
        data=data.DESCRIPTION,
        ood_threshold=ood_threshold,
        **ABOUT,
    )


def _record(
    recipe: MnistRecipe, network: NumpyCNN, progress: dict[str, Any], seed: int, validation: int
) -> dict[str, Any]:
    history = progress["history"]
    final = {"accuracy": history[-1]["validation"]["accuracy"], "n": validation}
    return {
        "format": FORMAT,
        "model": "mnist",
        **progress["record"],
        "resumed": progress.get("resumed", []),
        "seed": seed,
        "recipe": _plain(recipe),
        "parameters": network.num_parameters,
        "selection": "the weights after the last epoch; the recipe was chosen on the validation "
        "split",
        "train_seconds": round(sum(row["seconds"] for row in history), 1),
        "metrics": {"validation": final},
        "history": history,
    }


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.mnist", description="Train the NumPy network on MNIST."
    )
    add_arguments(parser, epochs=MnistRecipe.epochs)
    arguments = parser.parse_args()
    recipe = MnistRecipe(epochs=arguments.epochs)
    training = data.load(arguments.data_dir, "train", arguments.download)
    validation = data.load(arguments.data_dir, "validation")
    folders = run_folders(arguments)
    for seed, folder in folders.items():
        print(f"seed {seed} → {folder}")
        train(recipe, training, validation, folder, seed, arguments.resume)
    if arguments.export:
        print(f"exported to {finish(folders, arguments.data_dir)}")
    return 0
