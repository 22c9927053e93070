"""Which pixels carry a loss when a mask knows only a part of the image.

A phone photo's mask says "not this car" of all its surroundings, and another car that stands there
has no label (`training.data.car_photos`). The losses of `training.metrics.mask_losses` take any set
of pixels: give them those that `worth_learning` leaves.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SURE = 3.0  # the logit from which the network is sure of a car: p > 0.95
MIN_AREA = 0.002  # of the image: a smaller piece is no other car but a mistake
MARGIN = 5  # pixels around such a piece that are left out, too: where its edge is, is open
NEAR = 0.06  # of the image's side: so close to the labelled car nothing is left out that touches it


def worth_learning(logits: Tensor, known: Tensor, absent: Tensor) -> Tensor:
    """Return which pixels carry a loss, bool (N, 1, H, W).

    Unknown pixels do not. Nor do, among those "not this car", the pieces that the network calls
    car and that touch neither the labelled car nor the unknown strip around it: other cars carry no
    label, and the network is right more often than such a label. (Where it must be sure of them,
    they are lost one after the other: a doubt is punished until nothing is left to be sure of.) Of
    a piece that is joined with the labelled car, only what is far from it and sure is left out: a
    neighbour's half that hangs on the car is what people are annoyed about.

    Args:
        logits: float32 (N, 1, H, W), the network's answer as it is now.
        known: bool (N, 1, H, W): where the mask tells anything.
        absent: bool (N, 1, H, W): where all it tells is that the labelled car is not there.
    """
    chosen = known.clone()
    for number in torch.nonzero(absent.flatten(1).any(1)).flatten().tolist():
        other = _other_cars(
            logits[number, 0].float().cpu().numpy(), absent[number, 0].cpu().numpy()
        )
        if other is not None:
            chosen[number, 0] &= ~(torch.from_numpy(other).to(known.device) & absent[number, 0])
    return chosen


def _other_cars(logits: NDArray[np.float32], absent: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Return where the network sees cars where the labelled one is not."""
    from scipy.ndimage import label, maximum_filter

    pieces, number = label(logits > 0, structure=np.ones((3, 3)))
    if not number:
        return None
    area = np.bincount(pieces.ravel(), minlength=number + 1)
    inside = np.bincount(pieces[absent].ravel(), minlength=number + 1)
    away = (area == inside) & (area >= MIN_AREA * absent.size)
    away[0] = False
    found = maximum_filter(away[pieces], 2 * MARGIN + 1)
    reach = round(NEAR * absent.size**0.5)
    far = ~maximum_filter(~absent, 2 * reach + 1)
    return np.asarray(found | (far & (logits > SURE)))
