"""Layer normalization: Ba, Kiros & Hinton 2016, in the form that is used between convolutions."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from zoo.networks.numpy_cnn.group_normalization import GroupNorm


class LayerNorm(GroupNorm):
    """Normalize every image over all its channels and positions: GroupNorm with a single group.

    Ba et al. 2016, eq. 3, with γ and β one number a channel, as for the other norms of a
    convolutional network (Wu & He 2018, section 3.1); ``nn.LayerNorm((C, H, W))`` would learn one
    for every position as well.

    Args:
        channels: C.
        eps: as for `GroupNorm`.
    """

    def __init__(self, channels: int, *, eps: float = 1e-5, dtype: DTypeLike = np.float32) -> None:
        super().__init__(1, channels, eps=eps, dtype=dtype)
