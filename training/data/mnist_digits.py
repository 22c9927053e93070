"""MNIST: LeCun & Cortes's 70,000 handwritten digits, read from the original IDX files."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.engine.failures import TrainingError, reason

# Mean and standard deviation of the 60,000 training images' pixels, scaled to [0, 1].
MEAN, STD = 0.1307, 0.3081
VALIDATION = 5_000
SPLIT_SEED = 2026
FILES = tuple(
    f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")
)

DESCRIPTION = {
    "name": "MNIST",
    "reader": "mnist_digits",
    "source": "http://yann.lecun.com/exdb/mnist/",
    "license": "CC BY-SA 3.0",
    "citation": "Y. LeCun, C. Cortes, C. J. C. Burges: The MNIST database of handwritten digits.",
}


@dataclass(frozen=True)
class Digits:
    """Images, uint8 (N, 28, 28), ink bright on 0; and labels, uint8 (N,), 0 to 9."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)


def load(data_dir: Path, split: str, download: bool = False) -> Digits:
    """Read one split.

    Args:
        data_dir: holds ``[mnist/]MNIST/raw/*-ubyte[.gz]``.
        split: ``"train"`` (55,000), ``"validation"`` (5,000 of the original training set, the same
            ones whatever the run's seed) or ``"test"`` (10,000).
        download: fetch missing and damaged files through torchvision into ``data_dir``.

    Raises:
        TrainingError: if the files are missing or damaged.
    """
    if split not in ("train", "validation", "test"):
        raise TrainingError(f"The splits are train, validation and test, not {split!r}.")
    raw = _find(data_dir, download)
    prefix = "t10k" if split == "test" else "train"
    images = _read_idx(raw / f"{prefix}-images-idx3-ubyte")
    labels = _read_idx(raw / f"{prefix}-labels-idx1-ubyte")
    fit = images.shape[1:] == (28, 28) and labels.shape == images.shape[:1]
    if not fit or labels.max(initial=0) > 9:
        raise TrainingError(f"The MNIST files in {raw} do not belong together; fetch them again.")
    if split == "test":
        return Digits(images, labels)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    # A twelfth, so that a made-up small data set splits in the same proportion.
    held_out = VALIDATION if len(labels) == 60_000 else len(labels) // 12
    chosen = np.sort(order[:held_out] if split == "validation" else order[held_out:])
    return Digits(images[chosen], labels[chosen])


def normalize(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images (N, 28, 28), uint8, as the network takes them: float32 (N, 1, 28, 28)."""
    scaled = images.astype(np.float32) / np.float32(255)
    return ((scaled - np.float32(MEAN)) / np.float32(STD))[:, None]


def _find(data_dir: Path, download: bool) -> Path:
    """Return the folder of the four files; with ``download`` what is missing there is fetched."""
    candidates = [data_dir / "mnist" / "MNIST" / "raw", data_dir / "MNIST" / "raw"]
    for raw in candidates:
        if any(_exists(raw / name) for name in FILES):
            if download and not all(_is_whole(raw / name) for name in FILES):
                _fetch(raw)  # a download that was stopped, or that a disk has damaged
            return raw
    if not download:
        raise TrainingError(
            f"There is no MNIST in {data_dir} (looked for mnist/MNIST/raw/ and MNIST/raw/); "
            "add --download to fetch it there."
        )
    _fetch(candidates[0])
    return candidates[0]


def _fetch(raw: Path) -> None:
    """Fetch the files that are missing or damaged through torchvision, which checks their MD5."""
    from torchvision.datasets import MNIST

    for name in FILES:
        if (raw / name).exists() and not _is_whole(raw / name):
            (raw / name).unlink()  # torchvision takes any file of that name for whole
    try:
        MNIST(raw.parents[1], train=True, download=True)
    except Exception as error:  # its servers and archives may fail in many ways
        raise TrainingError(
            f"MNIST could not be downloaded ({reason(error)}); try again later."
        ) from None


def _exists(path: Path) -> bool:
    return path.exists() or path.with_name(path.name + ".gz").exists()


def _is_whole(path: Path) -> bool:
    try:
        _read_idx(path)
    except TrainingError:
        return False
    return True


def _read_idx(path: Path) -> NDArray[np.uint8]:
    """Read an IDX file: two zero bytes, the type 0x08, the number of axes, their big-endian sizes.

    Plain or gzipped; the format is described on the page of the data set.
    """
    zipped = path.with_name(path.name + ".gz")
    if not path.exists() and not zipped.exists():
        raise TrainingError(f"{path} is missing; add --download to fetch it.")
    try:
        content = path.read_bytes() if path.exists() else gzip.decompress(zipped.read_bytes())
        axes = content[3]
        shape = np.frombuffer(content, ">u4", axes, 4)
        if content[:3] != b"\0\0\x08":
            raise ValueError("not an IDX file of bytes")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)
    except Exception as error:  # zlib, struct and NumPy each have their own
        raise TrainingError(
            f"{path} cannot be read ({reason(error)}); add --download to fetch it again."
        ) from None
