"""Losses for a mask: binary cross-entropy, soft Dice, both, and focal loss.

All take logits and the true share of the thing in each pixel, which augmentation leaves between 0
and 1 along an edge, and return one number. They take any set of pixels: where a mask knows only a
part of an image, `pick` leaves out the rest.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

SMOOTH = 1.0  # pixels added to both sides of the Dice fraction: an image without a car has one too
FOCUS = 2.0  # the focal loss's γ; 2 is the paper's


def pick(logits: Tensor, target: Tensor, known: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the logits and the target of the pixels that carry a loss.

    Args:
        logits: float32 (N, 1, H, W).
        target: float32 (N, 1, H, W).
        known: bool (N, 1, H, W); None, if all pixels are known.

    Returns:
        Both as they are, if all are known; else both flat, (number of known pixels,).
    """
    if known is None:
        return logits, target
    return logits.masked_select(known), target.masked_select(known)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the mean binary cross-entropy over all pixels, in nats.

    Args:
        logits: float32 (N, 1, H, W).
        target: float32 (N, 1, H, W), in [0, 1].
    """
    return functional.binary_cross_entropy_with_logits(logits, target)


def soft_dice(logits: Tensor, target: Tensor) -> Tensor:
    """Return 1 − 2 Σ p t / (Σ p² + Σ t²), the sums over the whole batch (Milletari et al. 2016).

    Cross-entropy counts the easy wall as much as the car; this does not count it. The sums go over
    the batch and not over each image, because an image without a car, or with a tiny one, loses
    nearly the whole 1 for a few wrong pixels: such images were most of the loss, and the edges of
    the others hardly mattered.
    """
    p = logits.sigmoid()
    overlap = 2 * (p * target).sum() + SMOOTH
    return 1 - overlap / (p.square().sum() + target.square().sum() + SMOOTH)


def both(logits: Tensor, target: Tensor) -> Tensor:
    """Return the sum of cross-entropy and soft Dice."""
    return cross_entropy(logits, target) + soft_dice(logits, target)


def focal(logits: Tensor, target: Tensor) -> Tensor:
    """Return the mean of |t − p|^γ times the cross-entropy (Lin et al. 2017, eq. 4, for soft t)."""
    pixels = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return ((target - logits.sigmoid()).abs() ** FOCUS * pixels).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bce": cross_entropy,
    "dice": soft_dice,
    "bce+dice": both,
    "focal": focal,
}
