"""Augmentation of colour images in whole batches: alternating flip, translation, cutout.

What is random is drawn first, as numbers (`Draws`), and applied afterwards; so the batched path
and the one that prepares image by image (a ``DataLoader``) give the same images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.data.cifar_images import MEAN, STD


@dataclass(frozen=True)
class Draws:
    """What was drawn for N images.

    Attributes:
        flips: bool (N,), mirror it?
        shifts: int64 (N, 2), translation in pixels, down and right.
        corners: int64 (N, 2), the upper left corner of the square that is cut out.
    """

    flips: Tensor
    shifts: Tensor
    corners: Tensor

    def __getitem__(self, chosen: slice | Tensor) -> Draws:
        return Draws(self.flips[chosen], self.shifts[chosen], self.corners[chosen])

    def to(self, device: torch.device) -> Draws:
        """Return a copy on a device."""
        return Draws(self.flips.to(device), self.shifts.to(device), self.corners.to(device))


@dataclass(frozen=True)
class ImageAugmentation:
    """How far a training image may be changed and still show the same thing.

    Attributes:
        flip: mirror left and right, each image in every other epoch: a coin that the seed throws
            decides in which ones. Two epochs then show both sides of each image, where coins
            thrown anew show one side twice to half of them (Jordan 2024, arXiv 2404.00498, 3.5).
        translate: largest shift, in pixels, either way; the border is filled by reflection.
        cutout: side, in pixels, of a square at a random place that is set to the mean colour
            (DeVries & Taylor 2017, arXiv 1708.04552); 0 for none.
    """

    flip: bool = True
    translate: int = 2
    cutout: int = 0

    def draw(self, indices: Tensor, total: int, size: int, key: tuple[int, int, int]) -> Draws:
        """Draw for a batch.

        Args:
            indices: its images' places in the data set, int64 (N,).
            total: images in the data set.
            size: their side in pixels.
            key: (seed, epoch, step); the same key gives the same draws.
        """
        seed, epoch, _ = key
        rng = generator(*key)
        shape = (len(indices), 2)
        shifts = torch.randint(-self.translate, self.translate + 1, shape, generator=rng)
        corners = torch.randint(0, size - self.cutout + 1, shape, generator=rng)
        flips = torch.zeros(len(indices), dtype=torch.bool)
        if self.flip:
            coins = torch.randint(0, 2, (total,), generator=generator(seed))
            flips = (coins[indices] + epoch) % 2 == 1
        return Draws(flips, shifts, corners)

    def __call__(self, images: Tensor, draws: Draws) -> Tensor:
        """Return the network's input for images, changed as drawn.

        Args:
            images: uint8 (N, H, W, 3).
            draws: N of them, on the same device.

        Returns:
            float32 (N, 3, H, W), normalized, channels last in memory.
        """
        inputs = normalize(move(images, draws))
        return cut_out(inputs, draws.corners, self.cutout) if self.cutout else inputs


def move(images: Tensor, draws: Draws) -> Tensor:
    """Mirror, then shift: one look-up a pixel does both.

    Args:
        images: uint8 (N, H, W, 3).

    Returns:
        uint8 (N, H, W, 3); a pixel from outside is the one mirrored at the border.
    """
    count, height, width, _ = images.shape
    rows = torch.arange(height, device=images.device) - draws.shifts[:, :1]
    columns = torch.arange(width, device=images.device) - draws.shifts[:, 1:]
    rows, columns = _reflect(rows, height), _reflect(columns, width)
    columns = torch.where(draws.flips[:, None], width - 1 - columns, columns)
    image = torch.arange(count, device=images.device)[:, None, None]
    pixels = (image * height + rows[:, :, None]) * width + columns[:, None, :]
    # One index instead of three: a third of the time on a CPU.
    return images.flatten(0, 2).index_select(0, pixels.flatten()).view(images.shape)


def cut_out(inputs: Tensor, corners: Tensor, size: int) -> Tensor:
    """Set a square of each normalized image (N, C, H, W) to 0, the mean colour."""
    height, width = inputs.shape[2:]
    row = torch.arange(height, device=inputs.device) - corners[:, :1]
    column = torch.arange(width, device=inputs.device) - corners[:, 1:]
    inside_rows, inside_columns = (row >= 0) & (row < size), (column >= 0) & (column < size)
    square = inside_rows[:, None, :, None] & inside_columns[:, None, None, :]
    hidden = inputs.masked_fill(square, 0.0)  # which forgets the order in memory
    return hidden.contiguous(memory_format=torch.channels_last)


def shrink(inputs: Tensor, size: int) -> Tensor:
    """Return images (N, C, H, W) scaled down to (N, C, size, size), without aliasing.

    What `functional.interpolate(…, mode="bilinear", antialias=True)` returns, in a third of the
    time on a CPU: scaling is linear, a product for the columns and one for the rows.
    """
    height, width = inputs.shape[2:]
    rows, columns = (_scaling(old, size).to(inputs.device) for old in (height, width))
    colours = torch.eye(inputs.shape[1], device=inputs.device)
    flat = inputs.permute(0, 2, 3, 1).reshape(len(inputs), height, -1)  # columns × colours
    scaled = rows @ (flat @ torch.kron(columns.T.contiguous(), colours))
    return scaled.unflatten(2, (size, -1)).permute(0, 3, 1, 2)


@cache
def _scaling(old: int, new: int) -> Tensor:
    """Return the matrix (new, old) that scales a line of pixels; see `shrink`."""
    lines = torch.eye(old)[:, None, None]
    shape = (1, new)
    scaled = functional.interpolate(lines, shape, mode="bilinear", antialias=True)
    return scaled[:, 0, 0].T.contiguous()


def normalize(images: Tensor, means: Sequence[float] = MEAN, stds: Sequence[float] = STD) -> Tensor:
    """Return (x / 255 − mean) / std of images (N, H, W, 3), uint8: float32 (N, 3, H, W).

    Mean and std are those of CIFAR-10 unless others are given.

    The same operations in the same order as `zoo.preprocessing.images.normalize`, so the same bits.
    The memory stays channels last, which convolutions like best.
    """
    mean, std = (torch.tensor(values, device=images.device) for values in (means, stds))
    scaled = images.float() / torch.tensor(255.0, device=images.device)
    return ((scaled - mean) / std).permute(0, 3, 1, 2)


def generator(*key: int) -> torch.Generator:
    """Return a random generator for a key such as (seed, epoch, step), independent of all others.

    It runs on the CPU, so that a GPU run draws the same numbers.
    """
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


def _reflect(positions: Tensor, size: int) -> Tensor:
    """Mirror positions outside [0, size) at the first and last pixel, which are not repeated."""
    positions = positions.abs()
    return torch.where(positions >= size, 2 * (size - 1) - positions, positions)
