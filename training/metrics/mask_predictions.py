"""What a segmentation network says about held-out images, and the threshold that suits it best.

`measure` is for a network in training, after each epoch: quick, and nothing is done to its
probabilities. What a record says of a finished network comes from `measure_model`, as do the
figures of `training.evaluate`: from the answers that any user gets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from training.data.car_photos import CarPhoto
from training.data.carvana_photos import WIDTH, ImageMaskPair, normalize
from training.engine.compute import ComputeConfig
from training.metrics import phone_photos
from training.metrics.mask_metrics import best_threshold, fractions, iou_by_threshold
from training.metrics.mask_metrics import measure as measure_masks
from zoo.models import Segmenter
from zoo.preprocessing import images
from zoo.segmentation import components
from zoo.segmentation.masks import Mask

THRESHOLD = 0.5  # while training
MARGIN = 0.02  # of confidence: other photos of cars are less sure than the validation photos
RULE = f"min_confidence: {MARGIN} below the least sure answer for a validation photo with a car"


@dataclass(frozen=True)
class ValidationSet:
    """Images that are not learned from.

    Attributes:
        studio: of cars that are held out.
        streets: of drives that are held out; may be empty.
        photos: phone photos with partial masks; may be empty.
    """

    studio: Sequence[ImageMaskPair]
    streets: Sequence[ImageMaskPair] = ()
    photos: Sequence[CarPhoto] = ()


def predict(
    network: nn.Module,
    pairs: Sequence[ImageMaskPair] | Sequence[CarPhoto],
    compute: ComputeConfig,
    longest: int | None = None,
) -> Iterator[tuple[str, NDArray[np.float32], NDArray[Any]]]:
    """Yield (name, probabilities, true mask) of each image, at its own size.

    Args:
        network: maps float32 (N, 3, H, W) to logits (N, 1, H, W); on the machine's device; used
            in evaluation mode, and left in the mode that it was in.
        pairs: images with masks; phone photos have partial ones.
        compute: how to compute.
        longest: pixels to which each longest side is scaled first; None keeps the size.
    """
    training = network.training
    network.eval()
    try:
        for pair in pairs:
            image, mask = pair.read()
            if longest is not None:
                image, mask = _scaled(image, mask, longest)
            inputs = normalize(torch.from_numpy(image.copy())[None].to(compute.device))
            inputs = inputs.contiguous(memory_format=torch.channels_last)
            with torch.inference_mode(), compute.autocast():
                logits = network(inputs)
            yield pair.name, logits.float().sigmoid()[0, 0].cpu().numpy(), mask
    finally:
        network.train(training)


def measure(network: nn.Module, held: ValidationSet, compute: ComputeConfig) -> dict[str, float]:
    """Return IoU, Dice and Boundary IoU of the studio images at threshold ½.

    With street photos there is also ``street_iou``; with phone photos ``phone_good`` and
    ``phone_fair`` and so on, see `training.metrics.phone_photos`.
    """
    studio = _measure(network, held.studio, compute, THRESHOLD)
    found = {name: float(studio[name]) for name in ("iou", "dice", "boundary_iou")}
    if held.streets:
        found["street_iou"] = float(_measure(network, held.streets, compute, THRESHOLD)["iou"])
    if held.photos:
        phone = phone_photos.measure(
            (name, components.hysteresis_threshold(p, THRESHOLD) >= THRESHOLD, partial)
            for name, p, partial in predict(network, held.photos, compute, WIDTH)
        )
        found |= {f"phone_{name}": value for name, value in fractions(phone).items()}
    return found


def choose_threshold(
    network: nn.Module, pairs: Sequence[ImageMaskPair], compute: ComputeConfig
) -> float:
    """Return the threshold with the best mean IoU on these images."""
    curves = [iou_by_threshold(p, true) for _, p, true in predict(network, pairs, compute)]
    return best_threshold(np.mean(curves, axis=0))


def choose_confidence(model: Segmenter, held: ValidationSet) -> float:
    """Return the least confidence (`zoo.Segmentation.confidence`) of an answer that is a car.

    It is `MARGIN` below the least sure answer for a validation photo with a car, of all kinds of
    photos. Without streets or phone photos it is 0: the studio says nothing about other places.
    """
    if not (held.streets and held.photos):
        return 0.0
    pairs = [one.read()[0] for one in (*held.studio, *held.streets)]
    photos = [one.read()[0] for one in held.photos]
    least = min(model.predict(image).confidence for image in (*pairs, *photos))
    return max(0.0, round(least - MARGIN, 2))


def measure_model(
    model: Segmenter, pairs: Sequence[ImageMaskPair], refine: bool = True
) -> dict[str, Any]:
    """Return the metrics of a model's own answers, see `mask_metrics.measure`.

    Beside them ``refused``, the share of images in which it finds nothing, and ``n``.

    Args:
        model: answers each image as it would any user's.
        pairs: images with masks.
        refine: as for ``Segmenter.predict``.
    """

    refused = 0

    def answers() -> Iterator[tuple[str, Mask, Mask]]:
        nonlocal refused
        for pair in pairs:
            image, true = pair.read()
            answer = model.predict(image, refine)
            refused += not answer.found
            yield pair.name, answer.mask, true

    return measure_masks(answers()) | {"refused": refused / len(pairs), "n": len(pairs)}


def _measure(
    network: nn.Module, pairs: Sequence[ImageMaskPair], compute: ComputeConfig, threshold: float
) -> dict[str, Any]:
    return measure_masks(
        (n, p >= threshold, true) for n, p, true in predict(network, pairs, compute)
    )


def _scaled(
    image: NDArray[np.uint8], mask: NDArray[Any], longest: int
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Scale an image as the model will be shown it, and its mask without mixing the values."""
    shown = images.scale(Image.fromarray(image), longest)
    marked = Image.fromarray(mask).resize(shown.size, Image.Resampling.NEAREST)
    return np.asarray(shown), np.asarray(marked)
