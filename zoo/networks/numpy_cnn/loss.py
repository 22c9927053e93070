"""The cross-entropy loss of softmax, with label smoothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo.networks.numpy_cnn.layer import Array


def softmax_cross_entropy(
    logits: Array, labels: NDArray[np.integer], smoothing: float = 0.0
) -> tuple[float, Array]:
    """Return the mean loss and its gradient with respect to the logits.

    L = −(1/N) Σ_n Σ_k q[n, k] · log p[n, k],  with p = softmax(z) and the smoothed targets
    q = (1 − s) · onehot + s / K (Szegedy et al. 2016, section 7). The gradient of softmax and
    logarithm together is simply ∂L/∂z = (p − q) / N.

    Args:
        logits: z, shape (N, K).
        labels: shape (N,), integers in [0, K).
        smoothing: s in [0, 1]; 0 is the plain cross-entropy, 1 asks for 1/K everywhere.

    Returns:
        The loss in nats, and ∂L/∂z of shape (N, K).

    Raises:
        ValueError: if a label is not in [0, K) or the lengths differ.
    """
    count, classes = logits.shape
    if labels.shape != (count,) or (count and not 0 <= labels.min() <= labels.max() < classes):
        raise ValueError(f"Need {count} labels from 0 to {classes - 1}.")
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    targets = np.full_like(logits, smoothing / classes)
    targets[np.arange(count), labels] += 1 - smoothing
    loss = -np.sum(targets * log_p) / count
    return float(loss), (np.exp(log_p) - targets) / count
