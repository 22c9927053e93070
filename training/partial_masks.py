"""Which pixels carry a loss when a mask knows only a part of the image.

The losses of `training.segmentation_loss` take any set of pixels: give them those that
`worth_learning` chooses.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from training.data.augment_car_photos import ABSENT, CERTAIN

SURE = 3.0  # the logit from which the network is sure of a car: p > 0.95
LEAST_AREA = 0.002  # of the image: a smaller piece is no other car but a mistake


def worth_learning(logits: Tensor, trust: Tensor) -> Tensor:
    """Return which pixels carry a loss, bool (N, 1, H, W).

    Unknown pixels do not. Nor do those "not this car" of which the network is sure that they show
    a car, in a piece that touches neither the labelled car nor the unknown strip around it: other
    cars carry no label, and the network is right more often than such a label. (Not so a piece that
    is joined with the labelled car: that is what people are annoyed about.)

    Args:
        logits: float32 (N, 1, H, W), the network's answer as it is now.
        trust: uint8 (N, 1, H, W); see `training.data.augment_car_photos`.
    """
    chosen = trust > 0
    absent = trust == ABSENT
    for number in torch.nonzero(absent.flatten(1).any(1)).flatten().tolist():
        car = (logits[number, 0] > 0).cpu().numpy()
        other = _elsewhere(car, absent[number, 0].cpu().numpy())
        sure = logits[number, 0] > SURE
        chosen[number, 0] &= ~(torch.from_numpy(other).to(sure.device) & sure & absent[number, 0])
    return chosen


def _elsewhere(car: np.ndarray, absent: np.ndarray) -> np.ndarray:
    """Return the larger pieces of a mask that lie wholly where the labelled car is not."""
    from scipy.ndimage import label

    pieces, number = label(car, structure=np.ones((3, 3)))
    area = np.bincount(pieces.ravel(), minlength=number + 1)
    inside = np.bincount(pieces[absent].ravel(), minlength=number + 1)
    away = (area == inside) & (area >= LEAST_AREA * car.size)
    away[0] = False
    return away[pieces]


def pick(logits: Tensor, target: Tensor, trust: Tensor) -> tuple[Tensor, Tensor]:
    """Return the logits and the target of the pixels that carry a loss; as they are, if all do."""
    if bool((trust == CERTAIN).all()):
        return logits, target
    chosen = worth_learning(logits.detach(), trust)
    return logits.masked_select(chosen), target.masked_select(chosen)
