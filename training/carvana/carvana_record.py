"""What a Carvana run writes down: config.json and record.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from training.data import carvana_photos as data
from training.engine.compute import ComputeConfig
from training.engine.failures import TrainingError
from training.engine.init_from import joined, take_weights
from training.engine.model_folder import config_of
from training.metrics.mask_metrics import fractions
from training.metrics.mask_predictions import (
    RULE,
    ValidationSet,
    choose_confidence,
    choose_threshold,
    measure_model,
)
from training.metrics.phone_photos import measure_phone_photos
from zoo.models import Segmenter
from zoo.preprocessing.preprocessing import Preprocessing
from zoo.weights.schema import FORMAT

PREPROCESSING = Preprocessing(
    "scale", channels=3, longest_side=data.WIDTH, mean=data.MEAN, std=data.STD
)
ABOUT = {
    "title": "Cars",
    "samples": "cars",
    "limitations": "It was measured on cars in one photo studio. On street scenes, several cars, "
    "trucks or unusual views it is less accurate than the test metric says; look at the mask "
    "before you rely on it.",
}
TITLES = {  # of the networks that stand beside the U-Net, to be compared with it
    "noskip": "Cars, by a U-Net without skips",
    "fcn": "Cars, by an FCN",
    "linknet": "Cars, by a LinkNet",
    "fpn": "Cars, by an FPN",
    "deeplab": "Cars, by DeepLab v3+",
}


def model_name(architecture: str) -> str:
    """Return the name under which a network of the family is known to the zoo."""
    return "carvana" if architecture == "unet" else f"carvana-{architecture}"


def about(architecture: str) -> dict[str, str]:
    """Return what a network's config says of it to people, and which one it is compared with."""
    if architecture == "unet":
        return ABOUT
    return ABOUT | {
        "title": TITLES[architecture],
        "alternative_to": model_name("unet"),
        "limitations": "It is there to be compared with carvana, and learned from far fewer "
        f"images. {ABOUT['limitations']}",
    }


def config(
    network: nn.Module, threshold: float, architecture: str = "unet", min_confidence: float = 0.0
) -> dict[str, Any]:
    """Return what config.json shall hold: true of the network that was trained, whichever.

    Args:
        network: trained.
        threshold: of its masks.
        architecture: its name in the recipe's family.
        min_confidence: of an answer that is a car; 0: the area alone counts.
    """
    more = {"min_confidence": min_confidence} if min_confidence else {}
    return config_of(
        network,
        model=model_name(architecture),
        task="segmentation",
        preprocessing=PREPROCESSING,
        labels=["car"],
        data=data.DESCRIPTION,
        threshold=threshold,
        **more,
        **about(architecture),
    )


def initialize_from(network: nn.Module, folder: Path, identity: dict[str, Any]) -> dict[str, Any]:
    """Give a network the weights of a finished run; return what the record says about that run.

    Args:
        network: takes the weights.
        folder: of the finished run.
        identity: of the run that begins: it must hold out the same photos.

    Returns:
        The earlier run's command, commit, recipe, seed, history and so on, and as ``weights`` the
        SHA-256 of its weights.

    Raises:
        TrainingError: if there is no such run, or it does not fit.
    """
    record, kept = take_weights(network, folder, added="context.")
    kinds = ("studio", "streets")  # of which photos are held out by car and by drive
    if any(record.get("photos", {}).get(kind) != identity["photos"][kind] for kind in kinds):
        raise TrainingError(f"{folder} learned from other photos; begin with a run on these.")
    return kept


def segmenter(
    network: nn.Module, threshold: float, compute: ComputeConfig, min_confidence: float = 0.0
) -> Segmenter:
    """Return the model that a network will be, once its files are written.

    Args:
        network: trained, on the device; it is put into evaluation mode.
        threshold: of its masks.
        compute: gives the device.
        min_confidence: of an answer that is a car.
    """
    described = config(network, threshold, min_confidence=min_confidence)
    return Segmenter("carvana", described, {}, network.eval(), str(compute.device))


def describe_run(
    network: nn.Module,
    progress: dict[str, Any],
    held: ValidationSet,
    compute: ComputeConfig,
) -> dict[str, Any]:
    """Return what record.json shall hold; the threshold is chosen here.

    The metrics are those of the model's own answers (`zoo.Segmenter.predict`), as
    `training.evaluate` measures them.

    Args:
        network: trained.
        progress: of the last checkpoint: identity, provenance, history.
        held: the validation images.
        compute: how to compute.
    """
    weights = "the weights after the last step"
    if progress["identity"]["recipe"].get("averaging"):
        weights = "the moving average of the weights, after the last step"
    if progress["identity"]["recipe"].get("second_epochs"):
        weights = (
            "the mean of the weights (their moving average) at the ends of the two parts, with "
            "BatchNorm's statistics measured anew"
        )
    record, history = joined(progress["record"], progress["history"])
    threshold = choose_threshold(network, held.studio, compute)
    model = segmenter(network, threshold, compute)
    min_confidence = choose_confidence(model, held)
    model = segmenter(network, threshold, compute, min_confidence)
    metrics = {"validation": measure_model(model, held.studio)}
    if held.streets:
        metrics["validation_streets"] = measure_model(model, held.streets)
    if held.photos:
        metrics["validation_phone"] = measure_phone_photos(model, held.photos)
    metrics = {name: fractions(values) | {"n": values["n"]} for name, values in metrics.items()}
    architecture = progress["identity"]["recipe"].get("architecture", "unet")
    return {
        "format": FORMAT,
        "model": model_name(architecture),
        **record,
        "resumed": progress.get("resumed", []),
        **progress["identity"],
        "parameters": sum(p.numel() for p in network.parameters()),
        "selection": f"{weights}; the threshold with the best mean IoU on the validation cars; "
        f"{RULE}",
        "validation_curve": "history: the probabilities as they are, at threshold 0.5; metrics: as "
        "predict answers, at the chosen threshold",
        "threshold": threshold,
        "min_confidence": min_confidence,
        "validation_cars": sorted({pair.car for pair in held.studio}),
        "train_seconds": round(sum(row["seconds"] for row in history), 1),
        "metrics": metrics,
        "history": history,
    }
