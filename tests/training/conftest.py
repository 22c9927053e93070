"""A made-up MNIST of a few hundred digits, in the original file layout; torch with one thread."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(header + array.tobytes()))


@pytest.fixture(scope="session")
def tiny_mnist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with 480 + 60 images: bars at ten places, one place a class."""
    data_dir = tmp_path_factory.mktemp("data")
    raw = data_dir / "mnist" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for prefix, count in (("train", 480), ("t10k", 60)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = np.zeros((count, 28, 28), np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[5:23, 5 + 2 * label : 7 + 2 * label] = rng.integers(180, 256)
        write_idx(raw / f"{prefix}-images-idx3-ubyte", images)
        write_idx(raw / f"{prefix}-labels-idx1-ubyte", labels)
    return data_dir


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Let torch use one thread, so that it always adds up in the same order."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
