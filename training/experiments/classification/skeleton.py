"""The middle lines of a drawing, which a pen of any width can follow."""

from __future__ import annotations

import numpy as np


def skeleton(mask: np.ndarray) -> np.ndarray:
    """Return the middle lines of a mask, one pixel wide, with the same connections.

    Zhang & Suen (1984), A fast parallel algorithm for thinning digital patterns: peel off border
    pixels whose removal does not cut anything, alternately from the south-east and the north-west.

    Args:
        mask: bool array (H, W); its outermost pixels count as paper.

    Returns:
        bool array (H, W).
    """
    image = mask.astype(np.uint8)
    image[[0, -1]] = image[:, [0, -1]] = 0
    changed = True
    while changed:
        changed = False
        for removable in _REMOVABLE:
            peel = removable[_neighbours(image)] & image
            if peel.any():
                changed = True
                image ^= peel
    return image.astype(bool)


def _neighbours(image: np.ndarray) -> np.ndarray:
    """Return each pixel's eight neighbours as the bits of one uint8, clockwise from the north."""
    code = np.zeros_like(image)
    inner = code[1:-1, 1:-1]
    height, width = image.shape
    for bit, (y, x) in enumerate(_CLOCKWISE):
        inner |= image[1 + y : height - 1 + y, 1 + x : width - 1 + x] << np.uint8(bit)
    return code


_CLOCKWISE = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def _zhang_suen_table(second: bool) -> np.ndarray:
    """Return for each of the 256 neighbourhoods whether the sub-iteration removes its centre."""
    table = np.zeros(256, dtype=np.uint8)
    for code in range(256):
        p = [code >> bit & 1 for bit in range(8)]  # p[0] north, p[2] east, p[4] south, p[6] west
        north, east, south, west = p[0], p[2], p[4], p[6]
        rises = sum(p[i] == 0 and p[(i + 1) % 8] == 1 for i in range(8))
        if second:
            side = north * east * west == 0 and north * south * west == 0
        else:
            side = north * east * south == 0 and east * south * west == 0
        table[code] = 2 <= sum(p) <= 6 and rises == 1 and side
    return table


_REMOVABLE = (_zhang_suen_table(False), _zhang_suen_table(True))
