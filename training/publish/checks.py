"""What must hold before weights are published: they load, are finite, and do what is recorded.

The last of these runs on a *sample*: a few labelled images that are committed with the code
(``training/samples/<model>.npz``), so that whoever publishes needs no data set. Where the data's
license forbids that (Carvana), the sample holds free photos with the model's own masks: this shows
that weights and code still do what they did, not that the recorded metric is right.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import zoo
from training.engine.failures import TrainingError
from zoo.records import METRIC
from zoo.samples import samples
from zoo.weights.atomic_files import write_bytes

SAMPLES = Path(__file__).parent / "samples"
SAMPLE_SIZE = 200
OWN_COUNT, OWN_SIZE, OWN_MARGIN = 6, (192, 128), 0.02  # images, pixels, IoU


def check_model(name: str, folder: Path, path: Path | None = None) -> str:
    """Check one model's files; return one line that says what was found.

    Args:
        name: a model of the zoo.
        folder: where its files lie.
        path: the sample; by default the one that is committed for this model.

    Raises:
        TrainingError: when a check fails; the message says which one.
    """
    try:
        model = zoo.load(name, device="cpu", source=folder)  # strict names, shapes and dtypes
    except zoo.ZooError as error:
        raise TrainingError(f"{name} is not published: {error}") from None
    _check_finite(name, model.network)
    metric = METRIC[model.config["task"]]
    recorded = model.record.get("metrics", {}).get("test", {}).get(metric)
    if not isinstance(recorded, float) or not 0 <= recorded <= 1:
        raise TrainingError(f"{name} is not published: its record has no test {metric}.")
    sample = read_sample(path or SAMPLES / f"{name}.npz", name)
    measured = _measure(model, sample)
    expected = 1.0 if sample.own else recorded
    margin = OWN_MARGIN if sample.own else _margin(recorded, len(sample.images))
    if not measured >= expected - margin:
        said = "its own masks were recorded" if sample.own else f"the record says {recorded:.4f}"
        raise TrainingError(
            f"{name} is not published: on the committed sample its {metric} is {measured:.4f}, "
            f"but {said}; the weights are not those that were measured."
        )
    return (
        f"{name}: loads, is finite, {metric} {measured:.4f} on {len(sample.images)} sample images"
        + (" against its own masks" if sample.own else "")
    )


@dataclass(frozen=True)
class CheckSample:
    """Labelled images.

    Attributes:
        images: uint8 (N, H, W) or (N, H, W, 3).
        targets: labels (N,), or masks (N, H, W).
        own: whether the targets are what the model itself answered when the sample was made.
    """

    images: NDArray[np.uint8]
    targets: NDArray[Any]
    own: bool = False


def read_sample(path: Path, name: str) -> CheckSample:
    """Read a sample.

    Raises:
        TrainingError: there is none, or it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return CheckSample(arrays["images"], arrays["targets"], bool(arrays["own"]))
    except FileNotFoundError:
        raise TrainingError(
            f"There is no sample {path.name} to check {name} with; make it with "
            f"python -m training.publish sample {name} --data-dir DIR."
        ) from None
    except (OSError, KeyError, ValueError) as error:
        raise TrainingError(f"The sample {path} cannot be read ({error}); make it again.") from None


def write_sample(path: Path, sample: CheckSample, seed: int = 0) -> int:
    """Choose at most ``SAMPLE_SIZE`` images at random and write them; returns how many."""
    count = min(SAMPLE_SIZE, len(sample.images))
    order = np.random.default_rng(seed).choice(len(sample.images), count, replace=False)
    chosen = np.sort(order)
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        images=sample.images[chosen],
        targets=sample.targets[chosen],
        own=np.array(sample.own),
    )
    write_bytes(path, buffer.getvalue())
    return count


def own_masks(name: str, collection: str) -> CheckSample:
    """Make a sample of the first free photos of ``zoo.samples`` and the model's masks of them."""
    from PIL import ImageOps

    model: Any = zoo.load(name, device="cpu", source="bundle")
    images = [
        np.asarray(ImageOps.fit(zoo.open_image(photo.path), OWN_SIZE))
        for photo in samples(collection)[:OWN_COUNT]
    ]
    masks = [np.asarray(answer.mask, dtype=bool) for answer in model.predict_batch(images)]
    return CheckSample(np.stack(images), np.stack(masks), own=True)


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
        after = record["metrics"]["test"]
        for metric in sorted(set(METRIC.values()) & before.keys() & after.keys()):
            if after[metric] < before[metric]:
                lines.append(f"{name}: {metric} {before[metric]:.4f} → {after[metric]:.4f}")
    return lines


def _check_finite(name: str, network: Any) -> None:
    for key, value in network.state_dict().items():
        array = np.asarray(value)
        if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
            raise TrainingError(f"{name} is not published: {key} holds NaN or infinity.")


def _measure(model: Any, sample: CheckSample) -> float:
    """Accuracy, or mean IoU, of a model on the sample, through the public API."""
    answers, targets = model.predict_batch(list(sample.images)), sample.targets
    if model.config["task"] == "classification":
        if not all(np.isfinite(answer.probabilities).all() for answer in answers):
            return math.nan
        guesses = [int(np.argmax(answer.probabilities)) for answer in answers]
        return float((np.array(guesses) == targets).mean())
    ious = []
    for answer, target in zip(answers, targets.astype(bool), strict=True):
        mask = np.asarray(answer.mask, dtype=bool)
        union = (mask | target).sum()
        ious.append((mask & target).sum() / union if union else 1.0)
    return float(np.mean(ious))


def _margin(recorded: float, n: int) -> float:
    """Three standard errors of a fraction over n images, and half an image."""
    return 3 * math.sqrt(recorded * (1 - recorded) / n) + 0.5 / n
