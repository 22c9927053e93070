"""What a segmentation network says about held-out pictures, and the threshold that suits it best.

This is for a network in training. A model of the zoo is measured by `training.evaluate`, through
the same door as any user's pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training import phone_photos
from training.data.car_photos import CarPhoto
from training.data.carvana import Pair, normalize
from training.machine import Machine
from training.segmentation_metrics import (
    best_threshold,
    fractions,
    iou_by_threshold,
)
from training.segmentation_metrics import measure as measure_masks
from zoo.pieces import settle

THRESHOLD = 0.5  # while training


@dataclass(frozen=True)
class Held:
    """Pictures that are not learned from.

    Attributes:
        studio: of cars that are held out.
        streets: of drives that are held out; may be empty.
        photos: phone photos with partial masks; may be empty.
    """

    studio: Sequence[Pair]
    streets: Sequence[Pair] = ()
    photos: Sequence[CarPhoto] = ()


def predict(
    network: nn.Module, pairs: Sequence[Pair] | Sequence[CarPhoto], machine: Machine
) -> Iterator[tuple[str, NDArray[np.float32], NDArray[Any]]]:
    """Yield (name, probabilities, true mask) of each image, at its own size.

    Args:
        network: maps float32 (N, 3, H, W) to logits (N, 1, H, W); on the machine's device; used
            in evaluation mode, and left in the mode that it was in.
        pairs: pictures with masks.
        machine: how to compute.
    """
    training = network.training
    network.eval()
    try:
        for pair in pairs:
            image, mask = pair.read()
            inputs = normalize(torch.from_numpy(image.copy())[None].to(machine.device))
            inputs = inputs.contiguous(memory_format=torch.channels_last)
            with torch.inference_mode(), machine.autocast():
                logits = network(inputs)
            yield pair.name, logits.float().sigmoid()[0, 0].cpu().numpy(), mask
    finally:
        network.train(training)


def measure(network: nn.Module, held: Held, machine: Machine) -> dict[str, float]:
    """Return IoU, Dice and Boundary IoU of the studio pictures at threshold ½.

    With street photos there is also ``street_iou``; with phone photos ``phone_good``,
    ``phone_fair`` and so on, see `training.phone_photos`.
    """
    studio = _measure(network, held.studio, machine, THRESHOLD)
    found = {name: float(studio[name]) for name in ("iou", "dice", "boundary_iou")}
    if held.streets:
        found["street_iou"] = float(_measure(network, held.streets, machine, THRESHOLD)["iou"])
    if held.photos:
        metrics = measure_photos(network, held.photos, machine, THRESHOLD)
        found |= {f"phone_{name}": v for name, v in metrics.items() if name != "n"}
    return found


def measure_photos(
    network: nn.Module, photos: Sequence[CarPhoto], machine: Machine, threshold: float
) -> dict[str, Any]:
    """Return the mean metrics of phone photos, and n; see `training.phone_photos.measure`."""
    metrics = phone_photos.measure(
        (name, settle(p, threshold) >= threshold, partial)
        for name, p, partial in predict(network, photos, machine)
    )
    return {**fractions(metrics), "n": len(photos)}


def choose_threshold(network: nn.Module, pairs: Sequence[Pair], machine: Machine) -> float:
    """Return the threshold with the best mean IoU on these pictures."""
    curves = [iou_by_threshold(p, true) for _, p, true in predict(network, pairs, machine)]
    return best_threshold(np.mean(curves, axis=0))


def measure_at(
    network: nn.Module, pairs: Sequence[Pair], machine: Machine, threshold: float
) -> dict[str, Any]:
    """Return what a record holds: the mean metrics, the worst IoU, and n."""
    metrics = fractions(_measure(network, pairs, machine, threshold))
    return {**metrics, "n": len(pairs)}


def _measure(
    network: nn.Module, pairs: Sequence[Pair], machine: Machine, threshold: float
) -> dict[str, Any]:
    return measure_masks(
        (n, p >= threshold, true) for n, p, true in predict(network, pairs, machine)
    )
