"""What the digit network says about digits that it does not learn from, and its calibration."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data import mnist_digits as data
from training.engine.temperature_scaling import calibrate
from zoo.functions import softmax
from zoo.networks.numpy_cnn import NumpyCNN, softmax_cross_entropy


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
