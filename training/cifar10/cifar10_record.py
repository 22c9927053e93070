"""What a CIFAR-10 run writes down: config.json, record.json, calibration, and its arithmetic."""

from __future__ import annotations

import functools
import itertools
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.data import cifar_images as data
from training.engine.compute import Machine
from training.engine.failures import TrainingError
from training.engine.init_from import joined, take_weights
from training.engine.json_files import read_json
from training.engine.model_folder import config_of
from training.engine.temperature_scaling import calibrate
from training.metrics.class_predictions import predict
from training.metrics.ood_detection import Probabilities, detect, measure_outsiders
from zoo.functions import softmax
from zoo.networks.cifar_net import CifarNet
from zoo.preprocessing.preprocessing import Preprocessing
from zoo.weights.schema import FORMAT

if TYPE_CHECKING:
    from training.cifar10.cifar10_recipe import Recipe


def plain(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe as JSON gives it back: lists instead of tuples."""
    tuples = {"widths": list(recipe.widths), "proxy_widths": list(recipe.proxy_widths)}
    return asdict(recipe) | tuples


PREPROCESSING = Preprocessing(
    "crop", channels=3, height=data.SIZE, width=data.SIZE, mean=data.MEAN, std=data.STD
)
ABOUT = {
    "title": "Objects",
    "samples": "objects",
    "image_set": "cifar10",
    "limitations": "It sees 32×32 pixels and ten classes; everything else gets one of their names. "
    "Photos that differ from CIFAR-10's (small objects, unusual views, drawings) are recognized "
    "less reliably than the test accuracy says.",
}


def config(network: CifarNet, record: dict[str, Any]) -> dict[str, Any]:
    """Return what config.json shall hold."""
    more = {"ood_threshold": record["outsiders"]["threshold"]} if "outsiders" in record else {}
    return config_of(
        network,
        model="cifar10",
        task="classification",
        preprocessing=PREPROCESSING,
        labels=data.LABELS,
        data=data.DESCRIPTION,
        **ABOUT,
        **more,
    )


def begin_with(network: CifarNet, folder: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """Give a network the weights of a finished run; return what the record says about that run.

    The temperature that the finished run divided its head by is taken out again.

    Args:
        network: takes the weights.
        folder: of the finished run.
        identity: of the run that begins: it must not hold out what the earlier one has seen.

    Raises:
        TrainingError: if there is no such run, or it does not fit.
    """
    record, kept = take_weights(network, folder)
    if record["pictures"] > identity["pictures"]:
        raise TrainingError(
            f"{folder} learned from the validation pictures too; begin with a run that did not, "
            "or add --final."
        )
    with torch.no_grad():
        network.head.weight *= record.get("calibration", {}).get("temperature", 1.0)
    return kept


def describe_run(
    recipe: Recipe, network: CifarNet, progress: dict[str, Any], validation: int
) -> dict[str, Any]:
    """Return what record.json shall hold, without the calibration.

    Args:
        recipe: of the run.
        network: trained.
        progress: of the last checkpoint: identity, provenance, history.
        validation: number of validation pictures, 0 in a final run.
    """
    identity = progress["identity"]
    record, history = joined(progress["record"], progress["history"])
    metrics = {}
    if validation:
        accuracy = history[-1]["validation"]["accuracy"]
        metrics["validation"] = {"accuracy": accuracy, "n": validation}
    arithmetic = petaflop(recipe, identity["pictures"])
    arithmetic += record.get("began_with", {}).get("petaflop", 0.0)  # of all parts, as the seconds
    learned = "in training mode, on the augmented pictures learned from"
    if recipe.kept < 1:
        learned += (
            f": {recipe.kept:.0%} of each batch, drawn at random until {recipe.select_from:.0%} of "
            "the run, afterwards those that the proxy finds hardest"
        )
    return {
        "format": FORMAT,
        "model": "cifar10",
        **record,
        "resumed": progress.get("resumed", []),
        **identity,
        "petaflop": round(arithmetic, 4),
        "parameters": sum(p.numel() for p in network.parameters()),
        "selection": "the weights after the last step",
        "train_metrics": learned,
        "wall_seconds": round(sum(row["seconds"] for row in history), 1),
        "metrics": metrics,
        "history": history,
    }


def calibrate_network(
    network: CifarNet, validation: data.Pictures, machine: Machine, data_dir: Path | None
) -> dict[str, Any]:
    """Fit temperature and outsider threshold; return the record's two entries about them.

    The head's weights are divided by the temperature: the logits are linear in them, so that this
    is temperature scaling, and no answer changes.
    """
    logits = predict(network, validation.images, machine).numpy()
    calibration = calibrate(logits, validation.labels)
    with torch.no_grad():
        network.head.weight /= calibration["temperature"]
    answers = answers_of(network, machine)
    outsiders = measure_outsiders(answers, validation.images, data_dir)
    return {"calibration": calibration, "outsiders": outsiders}


def answers_of(network: CifarNet, machine: Machine) -> Probabilities:
    """Return a function from pictures, uint8 (N, H, W, 3), to probabilities (N, 10)."""

    def answers(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return softmax(predict(network, images, machine).numpy())

    return answers


def take_calibration(
    network: CifarNet, folder: Path, recipe: Recipe, machine: Machine, data_dir: Path | None
) -> dict[str, Any]:
    """Take over temperature, threshold and validation metrics from a validation run.

    A final run has learned from the validation pictures: fitted on them, its temperature would
    trust it too much. The validation run had the same recipe and has not seen them. Outsiders are
    new to both; which of them raise the alarm is measured with the final run's own weights.

    Args:
        network: with the final weights; its head is divided by the temperature.
        folder: of the validation run.
        recipe: of the final run.
        machine: how to compute.
        data_dir: where MNIST may be, for outsiders.

    Raises:
        TrainingError: if that run has no calibration, or another recipe.
    """
    try:
        other = read_json(folder / "record.json")
    except (OSError, ValueError):
        raise TrainingError(f"{folder} holds no finished run to take a calibration from.") from None
    # A record may be older than a setting, which then had its default.
    recorded = plain(type(recipe)()) | other.get("recipe", {})
    if recorded != plain(recipe) or "calibration" not in other:
        raise TrainingError(
            f"{folder} is no validation run with this recipe; its calibration would not fit."
        )
    with torch.no_grad():
        network.head.weight /= other["calibration"]["temperature"]
    threshold = other["outsiders"]["threshold"]
    detected = detect(answers_of(network, machine), threshold, data.SIZE, data_dir)
    weights = {"weights": "of the validation run: same recipe, without the validation pictures"}
    return {
        "calibration": other["calibration"] | weights,
        "outsiders": other["outsiders"] | weights | detected | {"detected_by": "the final weights"},
        "metrics": {"validation": other["metrics"]["validation"] | weights},
        "validation_run": {key: other[key] for key in ("command", "git_commit", "seed", "history")},
    }


def petaflop(recipe: Recipe, pictures: int) -> float:
    """Return the run's floating-point operations in convolutions and matrix products, in 10¹⁵.

    PyTorch counts them for one picture, forward and backward (a multiplication and an addition
    are two); optimizer, activations and BatchNorm are left out.
    """
    from torch.utils.flop_counter import FlopCounterMode

    @functools.cache
    def count(widths: tuple[int, int, int], depth: int, size: int) -> tuple[int, int]:
        network = CifarNet(widths, depth)
        network.whiten.requires_grad_(False)
        with FlopCounterMode(display=False) as counter:
            outputs = network(torch.zeros(2, 3, size, size))
            forward = counter.get_total_flops()
            outputs.sum().backward()
        return forward // 2, counter.get_total_flops() // 2

    def of_picture(size: int, selects: bool) -> float:
        flop = recipe.kept * count(recipe.widths, recipe.depth, size)[1]
        if recipe.kept < 1:
            asked, learned = count(recipe.proxy_widths, 2, size)
            early = recipe.kept * learned / recipe.proxy_every
            flop += asked + (learned - asked) / recipe.proxy_every if selects else early
        return flop

    random = torch.get_rng_state()  # building networks must not disturb the run's own draws
    flop = 0.0
    changes = sorted({0.0, recipe.small_until, recipe.select_from, 1.0})
    for start, stop in itertools.pairwise(changes):
        size = recipe.small_size if start < recipe.small_until else data.SIZE
        flop += (stop - start) * of_picture(size, start >= recipe.select_from)
    torch.set_rng_state(random)
    return recipe.epochs * (pictures // recipe.batch) * recipe.batch * flop / 1e15
