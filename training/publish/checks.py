"""What must hold before weights are published: they load, are finite, and do what is recorded.

The last of these is measured on what the repo itself holds, so that whoever publishes needs no data
set: a classifier on the labelled images that its config names (``image_set``, else ``samples``);
a segmenter on the sample photos, against masks that were looked over and committed beside this
file, as photos and masks of its data set may not be passed on.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import zoo
from training.engine.failures import TrainingError
from zoo.records import METRIC
from zoo.samples import Sample, samples
from zoo.samples.sets import image_set
from zoo.segmentation.masks import iou
from zoo.weights.atomic_files import write_bytes

ANSWERS = Path(__file__).parent / "answers"  # <collection>/<sample>.png: the masks, 1 bit a pixel
ANSWER_SIDE = 192  # pixels of a mask's longest side
ANSWER_MARGIN = 0.1  # IoU: other good weights draw other edges, bad ones lose the car
ALTERNATIVE_MARGIN = 0.3  # the same of a network that stands beside a better one, hardly trained
COUNT = 200  # labelled images


def check_model(name: str, folder: Path) -> str:
    """Check one model's files; return one line that says what was found.

    Args:
        name: a model of the zoo.
        folder: where its files lie.

    Raises:
        TrainingError: when a check fails; the message says which one.
    """
    try:
        model = zoo.load(name, device="cpu", source=folder)  # strict names, shapes and dtypes
    except zoo.ZooError as error:
        raise TrainingError(f"{name} is not published: {error}") from None
    check_finite(name, model.network)
    metric = METRIC[model.config["task"]]
    recorded = model.record.get("metrics", {}).get("test", {}).get(metric)
    if not isinstance(recorded, int | float):
        raise TrainingError(f"{name} is not published: its record has no test {metric}.")
    if isinstance(model, zoo.Segmenter):
        measured, n = compare_masks(model)
        wanted = 1 - (ALTERNATIVE_MARGIN if model.config.get("alternative_to") else ANSWER_MARGIN)
        said = f"at least {wanted:g} is expected"
        against = " against the committed masks"
    else:
        measured, n = accuracy(model)
        wanted, said = recorded - _margin(recorded, n), f"the record says {recorded:.4f}"
        against = ""
    if not measured >= wanted:
        raise TrainingError(
            f"{name} is not published: on {n} sample images its {metric} is {measured:.4f}"
            f"{against}, but {said}; the weights are not those that were measured."
        )
    return f"{name}: loads, is finite, {metric} {measured:.4f} on {n} sample images{against}"


def accuracy(model: zoo.Classifier) -> tuple[float, int]:
    """Return a classifier's accuracy on the labelled images that it names, and their number.

    Raises:
        TrainingError: it names none that the repo holds.
    """
    images, labels = labelled_images(model)
    answers = model.predict_batch(images)
    if not all(np.isfinite(answer.probabilities).all() for answer in answers):
        return math.nan, len(labels)
    right = sum(answer.label == label for answer, label in zip(answers, labels, strict=True))
    return right / len(labels), len(labels)


def labelled_images(model: zoo.Classifier) -> tuple[list[Any], list[str]]:
    """Return images and their labels: some of its image set, or else of its samples."""
    try:
        if name := model.config.get("image_set"):
            whole = image_set(name)
            some = np.random.default_rng(0).permutation(len(whole))[:COUNT]
            return [whole.images[i] for i in some], [whole.names[whole.labels[i]] for i in some]
        found = samples(model.config.get("samples", ""))
        usual = [sample for sample in found if sample.group in ("typical", "more")]
    except zoo.ZooError as error:
        raise TrainingError(
            f"{model.name} is not published: there is nothing to check it on ({error})"
        ) from None
    return [sample.path for sample in usual], [sample.label for sample in usual]


def compare_masks(model: zoo.Segmenter) -> tuple[float, int]:
    """Return the mean IoU of a segmenter's masks with the committed ones, and their number.

    Raises:
        TrainingError: its collection of samples has no committed masks, or they are damaged.
    """
    collection, ious = model.config.get("samples", ""), []
    for photo in _photos(collection):
        path = ANSWERS / collection / f"{photo.id}.png"
        try:
            with Image.open(path) as image:
                wanted = np.asarray(image.convert("1"))
        except OSError as error:
            raise TrainingError(
                f"{model.name} is not published: the mask {path.name} cannot be read "
                f"({error.strerror or error}); make it with python -m training.publish masks "
                f"{model.name}, and look at it."
            ) from None
        found = _small_mask(model, photo, wanted.shape[::-1])
        ious.append(iou(found, wanted))
    return float(np.mean(ious)), len(ious)


def write_masks(name: str) -> list[Path]:
    """Write the model's masks of its sample photos.

    Whoever commits them looks at them first, and keeps the mask of before where the new one is
    worse: what stands here is the best that was seen, not what the last weights say.
    """
    model = zoo.load(name, device="cpu", source="bundle")
    if not isinstance(model, zoo.Segmenter):
        raise TrainingError(f"{name} answers with labels, and the repo holds labelled images.")
    paths = []
    for photo in _photos(model.config.get("samples", "")):
        with Image.open(photo.path) as image:
            scale = ANSWER_SIDE / max(image.size)
            size = (round(image.width * scale), round(image.height * scale))
        buffer = io.BytesIO()
        Image.fromarray(_small_mask(model, photo, size)).save(buffer, "PNG")
        path = ANSWERS / model.config["samples"] / f"{photo.id}.png"
        write_bytes(path, buffer.getvalue())
        paths.append(path)
    return paths


def _photos(collection: str) -> tuple[Sample, ...]:
    try:
        return samples(collection)
    except zoo.ZooError as error:
        raise TrainingError(f"There are no photos to check masks on: {error}") from None


def _small_mask(model: zoo.Segmenter, photo: Sample, size: tuple[int, int]) -> NDArray[np.bool_]:
    mask = np.asarray(model.predict(photo.path).mask, dtype=np.uint8) * 255
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BOX)) > 127


def worse_metrics(
    ours: Mapping[str, Mapping[str, Any]], published: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Compare records by model; return a line for each metric that got worse.

    Args:
        ours: ``record.json`` by model.
        published: the same of the Hub's present revision; models that it lacks are not compared.
    """
    lines = []
    for name, record in ours.items():
        before = published.get(name, {}).get("metrics", {}).get("test", {})
        after = record["metrics"].get("test", {})
        for metric in sorted(set(METRIC.values()) & before.keys() & after.keys()):
            if after[metric] < before[metric]:
                lines.append(f"{name}: {metric} {before[metric]:.4f} → {after[metric]:.4f}")
    return lines


def check_finite(name: str, network: Any) -> None:
    """Raise a `TrainingError` if a weight is no number."""
    for key, value in network.state_dict().items():
        array = np.asarray(value)
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise TrainingError(f"{name} is not published: {key} holds NaN or infinity.")


def _margin(recorded: float, n: int) -> float:
    """Three standard errors of a fraction over n images, and half an image."""
    return 3 * math.sqrt(recorded * (1 - recorded) / n) + 0.5 / n
