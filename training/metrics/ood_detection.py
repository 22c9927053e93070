"""When a classifier's answer means nothing: the image shows none of its classes.

The alarm is a largest probability below a threshold (Hendrycks & Gimpel 2017, "A baseline for
detecting misclassified and out-of-distribution examples"). The threshold is set on one half of the
validation images; false alarms are counted on the other half, detections on images that show
none of the classes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from training.data import mnist_digits
from training.engine.failures import TrainingError
from zoo.preprocessing.images import fit, open_image

FALSE_ALARMS = 0.05  # the share of known images that may be called unknown
COUNT = 1_000  # out-of-distribution images of each kind

Probabilities = Callable[[NDArray[np.uint8]], NDArray[np.floating]]


def measure_ood(
    probabilities: Probabilities, known: NDArray[np.uint8], data_dir: Path | None
) -> dict[str, Any]:
    """Set the threshold and measure it.

    Args:
        probabilities: gives calibrated probabilities (N, K) for images, uint8 (N, H, W, 3).
        known: validation images, uint8 (N, H, W, 3).
        data_dir: if MNIST is there, its digits are one kind of out-of-distribution image.

    Returns:
        What a record says under ``ood``.
    """
    found = alarm(probabilities, known)
    return found | detect(probabilities, found["threshold"], known.shape[1], data_dir)


def alarm(probabilities: Probabilities, known: NDArray[np.uint8]) -> dict[str, Any]:
    """Set the threshold on one half of the validation images, count false alarms on the other.

    Args:
        probabilities: gives calibrated probabilities (N, K) for images.
        known: validation images, uint8 (N, …).

    Returns:
        ``score``, ``threshold``, ``false_alarm_rate`` and ``n``.
    """
    confidence = probabilities(known).max(axis=1)
    threshold = float(np.quantile(confidence[::2], FALSE_ALARMS))
    return {
        "score": "the largest calibrated probability; below the threshold is an alarm",
        "threshold": threshold,
        "false_alarm_rate": float((confidence[1::2] < threshold).mean()),
        "n": len(confidence[1::2]),
    }


def detect(
    probabilities: Probabilities, threshold: float, size: int, data_dir: Path | None
) -> dict[str, Any]:
    """Measure how many out-of-distribution images of each kind raise the alarm.

    Args:
        probabilities: gives calibrated probabilities (N, K) for images, uint8 (N, size, size, 3).
        threshold: of the alarm.
        size: of the images.
        data_dir: if MNIST is there, its digits are one kind of out-of-distribution image.

    Returns:
        ``detection_rates`` and ``ood_n``, by kind.
    """
    kinds = noise(size, COUNT)
    if data_dir is not None:
        kinds |= digits(data_dir, size, COUNT)
    rates = {
        kind: float((probabilities(examples).max(axis=1) < threshold).mean())
        for kind, examples in kinds.items()
    }
    counts = {kind: len(examples) for kind, examples in kinds.items()}
    return {"detection_rates": rates, "ood_n": counts}


def noise(size: int, count: int) -> dict[str, NDArray[np.uint8]]:
    """Return noise, uint8 (count, size, size, 3), by kind: each pixel by itself, and clouds."""
    uniform = np.random.default_rng(0).random((count, size, size, 3), dtype=np.float32)
    clouds = gaussian_filter(uniform, (0, 2, 2, 0))
    low = clouds.min(axis=(1, 2, 3), keepdims=True)
    clouds = (clouds - low) / (clouds.max(axis=(1, 2, 3), keepdims=True) - low)
    return {
        "uniform noise": (255 * uniform).astype(np.uint8),
        "smooth noise": (255 * clouds).astype(np.uint8),
    }


def digits(data_dir: Path, size: int, count: int) -> dict[str, NDArray[np.uint8]]:
    """Return MNIST's validation digits as RGB images, or nothing where MNIST is not."""
    try:
        images = mnist_digits.load(data_dir, "validation").images[:count]
    except TrainingError:
        return {}
    examples = [np.asarray(fit(open_image(image, "RGB"), size, size)) for image in images]
    return {"MNIST digits": np.stack(examples)}
