"""Bring a mask from the size that the network works at to the image's own, its edge sharp.

Scaled up alone, the edge lies where it was seen at the working size: some pixels of the image
beside the object's. It is refined by random walks with the network's answer as prior (Grady 2005,
"Multilabel random walker image segmentation using prior models", CVPR). In a narrow band around the
edge the probabilities x minimize

    Σ_ij w_ij (x_i − x_j)² + γ Σ_i (x_i − p_i)²,    w_ij = exp(−|c_i − c_j|² / (2 σ²)),

over neighbouring pixels i, j of the colours c; p is what the network said. Where neighbours look
alike x may not jump, so that the jump moves to where the colours do; where the image shows no
edge, x stays near p. The band's surroundings keep p, so that nothing far from the edge changes.
What is thinner than two pixels at the working size may get lost: p is never sure of it.

It goes from coarse to fine, each step doubling the size, and in tiles: time grows with the length
of the edge, and not much with the number of pixels. Beside the answer itself, which takes 4 bytes a
pixel, memory is needed for a row of tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BAND = 4  # pixels to either side of the edge, at every size
LEAST_GAIN = 4 / 3  # an image smaller than this times the working size has no edge to gain
TILE = 1024  # pixels; bounds the memory
# Larger images are scaled strip by strip, so many pixels at once, which bounds the memory; the
# strips' edges are rounded, by less than 1e-5, and so smaller ones are scaled in one piece.
WHOLE, STRIP = 2**24, 2**21
# An "edge" on more than this share of the image is no outline but noise, and takes long.
MOST_EDGE = 0.25
_JOIN = 1e-4  # the least weight: even unlike neighbours are joined, so that no pixel is left alone
_TOLERANCE, _STEPS = 1e-3, 60  # of the conjugate gradients

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Walk:
    """What decides where the edge goes; chosen by ``training.experiments.segmentation.mask_edges``.

    Attributes:
        colour: σ, of 255: colours that differ by more are hardly alike.
        prior: γ, the weight of the network's answer.
    """

    colour: float = 2.0
    prior: float = 0.02


WALK = Walk()


def enlarge(
    low_res_probabilities: Probabilities,
    image: Image.Image,
    threshold: float = 0.5,
    refine: bool = True,
    walk: Walk = WALK,
) -> Probabilities:
    """Scale a probability map to the size of its image.

    Args:
        low_res_probabilities: float32 array (h, w) in [0, 1]: the network's answer.
        image: The RGB image that it answers for, of size (W, H).
        threshold: The probability at which the edge is drawn.
        refine: Draw the edge where the image has one, if it is larger than
            ``low_res_probabilities``; False
            scales up bilinearly and no more.
        walk: How to refine.

    Returns:
        float32 array (H, W) in [0, 1].
    """
    probabilities = low_res_probabilities
    for size in _sizes(max(low_res_probabilities.shape), image.size) if refine else ():
        guide = image if size == image.size else image.resize(size, Image.Resampling.BOX)
        probabilities = _scale(probabilities, size)
        if not _refine(probabilities, guide, threshold, walk):
            break
    if probabilities.shape == image.size[::-1]:
        return probabilities
    return _scale(probabilities, image.size)


def _sizes(low_res_probabilities: int, size: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the sizes at which the edge is refined, each about twice the one before."""
    sizes = []
    longest = float(max(size))
    while longest >= LEAST_GAIN * low_res_probabilities:
        factor = longest / max(size)
        sizes.append((max(1, round(size[0] * factor)), max(1, round(size[1] * factor))))
        longest /= 2
    return sizes[::-1]


def _scale(probabilities: Probabilities, size: tuple[int, int]) -> Probabilities:
    """Return a new array scaled to (width, height), bilinearly, in strips of rows."""
    width, height = size
    if probabilities.shape == (height, width):
        return probabilities.copy()
    image = Image.fromarray(probabilities)
    scaled = np.empty((height, width), np.float32)
    rows = _rows_at_once(height, width)
    for top in range(0, height, rows):
        end = min(top + rows, height)
        box = (0, top * image.height / height, image.width, end * image.height / height)
        strip = image.resize((width, end - top), Image.Resampling.BILINEAR, box)
        scaled[top:end] = np.asarray(strip)
    return scaled


def _refine(probabilities: Probabilities, guide: Image.Image, threshold: float, walk: Walk) -> bool:
    """Refine the edge in place, tile by tile; False if there is too much of it to be one."""
    band = _band(probabilities, threshold)
    if not band.any():
        return True
    if np.count_nonzero(band) > MOST_EDGE * band.size:
        return False
    before, top = probabilities[:0], 0  # what the network said, and at which row that begins
    for rows, outer_rows in _along(band.shape[0]):
        # Of the row of tiles above, which is new, the last rows as they were.
        kept = before[outer_rows.start - top : rows.start - top].copy()
        del before
        before = np.concatenate([kept, probabilities[rows.start : outer_rows.stop]])
        top = outer_rows.start
        for columns, outer_columns in _along(band.shape[1]):
            inner, outer = (rows, columns), (outer_rows, outer_columns)
            if band[inner].any():
                pixels = np.asarray(guide.crop(_box(outer)))
                solved = _random_walk(before[:, outer_columns], pixels, band[outer], walk)
                probabilities[inner] = solved[_within(inner, outer)]
    return True


def _rows_at_once(height: int, width: int) -> int:
    return height if height * width <= WHOLE else max(1, STRIP // width)


def _band(probabilities: Probabilities, threshold: float) -> NDArray[np.bool_]:
    """Return the pixels within BAND pixels of the mask's edge, bool (H, W)."""
    from scipy.ndimage import maximum_filter

    height, width = probabilities.shape
    band = np.empty((height, width), np.bool_)
    rows = _rows_at_once(height, width)
    for top in range(0, height, rows):
        start = max(top - BAND, 0)
        mask = probabilities[start : top + rows + BAND] >= threshold
        edge = np.zeros(mask.shape, np.uint8)
        for axis in (0, 1):
            change = np.diff(mask, axis=axis)
            for side in (slice(1, None), slice(None, -1)):
                edge[side if axis == 0 else (slice(None), side)] |= change
        wide = maximum_filter(edge, 2 * BAND - 1)
        band[top : top + rows] = wide[top - start : top - start + rows] > 0
    return band


_Slices = tuple[slice, slice]


def _along(side: int) -> Iterator[tuple[slice, slice]]:
    """Yield the tiles along one side, each without its margin and with it.

    What happens further away does not reach a tile: the prior ties every pixel.
    """
    margin = 8 * BAND
    for first in range(0, side, TILE):
        last = min(first + TILE, side)
        yield slice(first, last), slice(max(first - margin, 0), min(last + margin, side))


def _within(inner: _Slices, outer: _Slices) -> _Slices:
    """Return where a tile lies in itself with its margin."""
    rows, columns = (
        slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True)
    )
    return rows, columns


def _box(place: _Slices) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom."""
    rows, columns = place
    return columns.start, rows.start, columns.stop, rows.stop


def _random_walk(
    said: Probabilities, guide: NDArray[np.uint8], band: NDArray[np.bool_], walk: Walk
) -> Probabilities:
    """Minimize the sum above over the pixels of the band; the others stay as they are.

    Setting its derivatives to zero gives one linear equation a pixel,

        (γ + Σ_j w_ij) x_i − Σ_j w_ij x_j = γ p_i,

    a symmetric, positive definite and sparse system. Neighbours j outside the band are known, and
    go to the right side.

    Args:
        said: float32 (H, W), p.
        guide: uint8 (H, W, 3).
        band: bool (H, W), not empty.
        walk: σ and γ.

    Returns:
        float32 (H, W) in [0, 1].
    """
    from scipy import sparse
    from scipy.sparse.linalg import cg

    # A frame of pixels that nothing is joined to, so that every pixel has four neighbours.
    values = np.pad(said, 1).ravel()
    colours = np.pad(guide, ((1, 1), (1, 1), (0, 0))).reshape(-1, guide.shape[2])
    exists = np.pad(np.ones(band.shape, bool), 1).ravel()
    unknown = np.flatnonzero(np.pad(band, 1))
    count, stride = len(unknown), band.shape[1] + 2
    number = np.full(len(values), -1, np.int32)
    number[unknown] = np.arange(count, dtype=np.int32)

    diagonal = np.full(count, walk.prior, np.float32)
    right = np.float32(walk.prior) * values[unknown]
    rows, columns, weights = [], [], []
    own = colours[unknown].astype(np.float32)
    for step in (1, -1, stride, -stride):
        other = unknown + step
        distance = ((own - colours[other]) ** 2).sum(axis=1)
        weight = np.exp(distance / np.float32(-2 * walk.colour**2)) + np.float32(_JOIN)
        weight *= exists[other]
        diagonal += weight
        inside = number[other] >= 0
        right += np.where(inside, 0, weight * values[other])
        rows.append(np.flatnonzero(inside))
        columns.append(number[other][inside])
        weights.append(-weight[inside])
    joined = (np.concatenate(rows), np.concatenate(columns))
    matrix = sparse.csr_matrix((np.concatenate(weights), joined), (count, count))
    solution, _ = cg(
        matrix + sparse.diags(diagonal),
        right,
        x0=values[unknown],
        rtol=_TOLERANCE,
        maxiter=_STEPS,
        M=sparse.diags(1 / diagonal),
    )
    result = said.copy()
    result[band] = np.clip(solution, 0, 1)
    return result
