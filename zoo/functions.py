"""Softmax and the sigmoid in NumPy: from a network's logits to probabilities."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return p[…, k] = exp z[…, k] / Σ_j exp z[…, j] for logits z of shape (…, K).

    The largest logit is subtracted first: p stays the same, and exp cannot overflow
    (Goodfellow et al. 2016, eq. 6.33).
    """
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(−z)); by tanh, which does not overflow."""
    return 0.5 * (1 + np.tanh(0.5 * logits))
