"""What a CIFAR-10 run writes down: config.json, record.json, calibration, and its arithmetic."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.cifar10.cifar10_settings import Cifar10Recipe
from training.data import cifar_images as data
from training.engine.compute import ComputeConfig
from training.engine.failures import TrainingError
from training.engine.init_from import joined, take_weights
from training.engine.json_files import read_json
from training.engine.model_folder import config_of
from training.engine.recipe_json import completed, plain
from training.engine.temperature_scaling import calibrate
from training.metrics.class_predictions import predict
from training.metrics.ood_detection import Probabilities, detect, measure_ood
from zoo.functions import softmax
from zoo.networks.cifar_net import CifarNet
from zoo.preprocessing.preprocessing import Preprocessing
from zoo.weights.schema import FORMAT

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
    more = {"ood_threshold": record["ood"]["threshold"]} if "ood" in record else {}
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


def initialize_from(network: CifarNet, folder: Path, identity: dict[str, Any]) -> dict[str, Any]:
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
    if record["images"] > identity["images"]:
        raise TrainingError(
            f"{folder} learned from the validation images too; begin with a run that did not, "
            "or add --final."
        )
    with torch.no_grad():
        network.head.weight *= record.get("calibration", {}).get("temperature", 1.0)
    return kept


def describe_run(
    recipe: Cifar10Recipe, network: CifarNet, progress: dict[str, Any]
) -> dict[str, Any]:
    """Return what record.json shall hold, without metrics and calibration.

    Args:
        recipe: of the run.
        network: trained.
        progress: of the last checkpoint: identity, provenance, history.
    """
    identity = progress["identity"]
    record, history = joined(progress["record"], progress["history"])
    arithmetic = train_pflop(recipe, identity["images"])  # and of all parts before, as the seconds
    arithmetic += record.get("init_from", {}).get("train_pflop", 0.0)
    learned = "in training mode, on the augmented images learned from"
    if recipe.keep_ratio < 1:
        learned += (
            f": {recipe.keep_ratio:.0%} of each batch, drawn at random until "
            f"{_selection_starts(recipe)}, afterwards those that the proxy finds hardest"
        )
    selection = "the weights after the last step"
    if recipe.parts > 1:
        selection = (
            f"the mean of the weights at the ends of {recipe.parts} parts, in each of which the "
            "learning rates fall to zero"
        )
    return {
        "format": FORMAT,
        "model": "cifar10",
        **record,
        "resumed": progress.get("resumed", []),
        **identity,
        "train_pflop": round(arithmetic, 4),
        "parameters": sum(p.numel() for p in network.parameters()),
        "selection": selection,
        **_parts(recipe, identity["images"]),
        "train_metrics": learned,
        "train_seconds": round(sum(row["seconds"] for row in history), 1),
        "metrics": {},
        "history": history,
    }


def _selection_starts(recipe: Cifar10Recipe) -> str:
    if recipe.parts == 1:
        return f"{recipe.selection_start:.0%} of the run"
    first, later = recipe.selection_start, recipe.later_selection_start
    return f"{first:.0%} of the first part and {later:.0%} of the others"


def _parts(recipe: Cifar10Recipe, images: int) -> dict[str, Any]:
    """Return the parts of a run that has several, for `zoo.records.parts`."""
    if recipe.parts == 1:
        return {}
    steps = images // recipe.batch
    return {
        "parts": [
            {
                "first": part.start // steps + 1,
                "last": part.stop // steps,
                "selects_from": round(part.selects / steps) + 1 if recipe.keep_ratio < 1 else None,
            }
            for part in recipe.schedule(steps)
        ]
    }


def calibrate_network(
    network: CifarNet,
    validation: data.LabelledImages,
    compute: ComputeConfig,
    data_dir: Path | None,
) -> dict[str, Any]:
    """Fit temperature and out-of-distribution threshold; return the record's two entries.

    The head's weights are divided by the temperature: the logits are linear in them, so that this
    is temperature scaling, and no answer changes.
    """
    logits = predict(network, validation.images, compute).numpy()
    calibration = calibrate(logits, validation.labels)
    with torch.no_grad():
        network.head.weight /= calibration["temperature"]
    answers = answers_of(network, compute)
    ood = measure_ood(answers, validation.images, data_dir)
    return {"calibration": calibration, "ood": ood}


def answers_of(network: CifarNet, compute: ComputeConfig) -> Probabilities:
    """Return a function from images, uint8 (N, H, W, 3), to probabilities (N, 10)."""

    def answers(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return softmax(predict(network, images, compute).numpy())

    return answers


def take_calibration(
    network: CifarNet,
    folder: Path,
    recipe: Cifar10Recipe,
    compute: ComputeConfig,
    data_dir: Path | None,
) -> dict[str, Any]:
    """Take over temperature, threshold and validation metrics from a validation run.

    A final run has learned from the validation images: fitted on them, its temperature would
    trust it too much. The validation run had the same recipe and has not seen them.
    Out-of-distribution images are new to both; which of them raise the alarm is measured with the
    final run's own weights.

    Args:
        network: with the final weights; its head is divided by the temperature.
        folder: of the validation run.
        recipe: of the final run.
        compute: how to compute.
        data_dir: where MNIST may be, for out-of-distribution images.

    Raises:
        TrainingError: if that run has no calibration, or another recipe.
    """
    try:
        other = read_json(folder / "record.json")
    except (OSError, ValueError):
        raise TrainingError(f"{folder} holds no finished run to take a calibration from.") from None
    recorded = completed(other.get("recipe", {}), plain(type(recipe)()))
    if recorded != plain(recipe) or "calibration" not in other:
        raise TrainingError(
            f"{folder} is no validation run with this recipe; its calibration would not fit."
        )
    with torch.no_grad():
        network.head.weight /= other["calibration"]["temperature"]
    threshold = other["ood"]["threshold"]
    detected = detect(answers_of(network, compute), threshold, data.SIZE, data_dir)
    weights = {"weights": "of the validation run: same recipe, without the validation images"}
    return {
        "calibration": other["calibration"] | weights,
        "ood": other["ood"] | weights | detected | {"detected_by": "the final weights"},
        "metrics": {"validation": other["metrics"]["validation"] | weights},
        "validation_run": {key: other[key] for key in ("command", "git_commit", "seed", "history")},
    }


def train_pflop(recipe: Cifar10Recipe, examples: int) -> float:
    """Return the run's floating-point operations in convolutions and matrix products, in 10¹⁵.

    PyTorch counts them for one image, forward and backward (a multiplication and an addition
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

    def of_image(size: int, selects: bool) -> float:
        flop = recipe.keep_ratio * count(recipe.widths, recipe.depth, size)[1]
        if recipe.keep_ratio < 1:
            asked, learned = count(recipe.proxy_widths, 2, size)
            early = recipe.keep_ratio * learned / recipe.proxy_interval
            flop += asked + (learned - asked) / recipe.proxy_interval if selects else early
        return flop

    random = torch.get_rng_state()  # building networks must not disturb the run's own draws
    flop, steps = 0.0, examples // recipe.batch
    sizes = recipe.sizes(recipe.epochs * steps)
    for part in recipe.schedule(steps):
        ends = {min(max(end, part.start), part.stop) for end, _ in sizes}
        changes = {part.start, part.stop, part.selects} | ends
        for start, stop in itertools.pairwise(sorted(changes)):
            side = next(side for end, side in sizes if start < end) or data.SIZE
            flop += (stop - start) * of_image(side, start >= part.selects)
    torch.set_rng_state(random)
    return recipe.batch * flop / 1e15
