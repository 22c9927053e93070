"""What a car network is measured on: studio, full size, streets, phone photos, no car at all."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from training.data import car_photos, cifar_images, street_photos
from training.data.carvana_photos import WIDTH
from training.data.readers import reader
from training.engine.failures import TrainingError
from training.metrics.mask_predictions import measure_model
from training.metrics.phone_photos import measure_phone_photos
from training.metrics.photo_kinds import Masks
from zoo.models import Segmenter
from zoo.samples import samples

VEHICLES = ("automobile", "truck")
ENLARGED = 60  # of CIFAR-10's images, as photos without a car


def measure_kind(model: Segmenter, data_dir: Path, split: str, masks: Masks) -> dict[str, Any]:
    """Return the metrics of a model's own answers, and ``n``.

    Raises:
        TrainingError: if there are no such photos.
    """
    if masks.kind == "phone":
        return measure_phone_photos(model, car_photos.load(data_dir, split))
    if masks.kind == "without_cars":
        return measure_refusals(model, photos_without_cars(data_dir, split))
    if masks.kind == "streets":
        pairs = street_photos.load(data_dir, split, large_only=True)
    else:
        pairs = reader(model.config).load(data_dir, split, masks.kind == "full_size")
    return measure_model(model, pairs, masks.refine)


def recorded_kinds(model: Segmenter, data_dir: Path) -> dict[str, Masks]:
    """Return what a record holds of the test split: by its key, all that there are photos for."""
    found = {"test": Masks()}
    first = reader(model.config).load(data_dir, "test", True)[0]
    if max(first.read()[1].shape) > WIDTH:
        found["test_full_size"] = Masks("full_size")
    if street_photos.available(data_dir):  # Kaggle has none
        found["test_streets"] = Masks("streets")
    if car_photos.available(data_dir):
        found["test_phone"] = Masks("phone")
    if street_photos.load_backgrounds(data_dir, "test"):
        found["test_without_cars"] = Masks("without_cars")
    return found


def photos_without_cars(data_dir: Path, split: str) -> dict[str, list[Any]]:
    """Return photos without a car, by where they are from.

    Backgrounds that no car was pasted on in training; the zoo's samples of other objects; and, if
    it is there, CIFAR-10's images, enlarged as any small image is.
    """
    found: dict[str, list[Any]] = {
        "backgrounds": list(street_photos.load_backgrounds(data_dir, split)),
        "objects": [s.path for s in samples("objects") if s.label not in VEHICLES],
    }
    with suppress(TrainingError):  # there is no CIFAR-10
        small = cifar_images.load(data_dir, split)
        vehicles = [cifar_images.LABELS.index(name) for name in VEHICLES]
        found["cifar10"] = list(small.images[~np.isin(small.labels, vehicles)][:ENLARGED])
    return found


def measure_refusals(model: Segmenter, photos: dict[str, list[Any]]) -> dict[str, Any]:
    """Return in which share of photos the model finds nothing, also by where they are from."""

    def refused(images: Iterable[Any]) -> list[bool]:
        return [not model.predict(image).found for image in images]

    answers = {kind: refused(images) for kind, images in photos.items() if images}
    every = [answer for found in answers.values() for answer in found]
    shares = {f"refused_{kind}": float(np.mean(found)) for kind, found in answers.items()}
    return shares | {"refused": float(np.mean(every)), "n": len(every)}
