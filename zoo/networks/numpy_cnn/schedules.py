"""Learning-rate schedules."""

from __future__ import annotations

import math


def warmup_cosine(step: float, *, steps: float, warmup: int, peak: float) -> float:
    """Return the learning rate of a step: a linear warm-up to ``peak``, then a cosine to zero.

    η = peak · (step + 1) / warmup            while step < warmup   (Goyal et al. 2017, §2.2)
    η = peak · ½ (1 + cos(π t))               after it, t from 0 to 1   (Loshchilov & Hutter 2017,
                                               eq. 5, one cycle)

    Args:
        step: from 0 to steps − 1; between two whole ones, if a schedule is gone through slowly.
        steps: length of the whole training.
        warmup: how many of them warm up; 0 for none.
        peak: the highest learning rate.

    Raises:
        ValueError: if step is outside the training or the warm-up is longer than it.
    """
    if not (0 <= step < steps and 0 <= warmup <= steps):
        raise ValueError(f"Step {step} with a warm-up of {warmup} is not in {steps} steps.")
    if step < warmup:
        return peak * (step + 1) / warmup
    t = (step - warmup) / (steps - warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * t))
