"""A made-up CIFAR-10, and where the experiments of a file write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.tiny_images import make_images, write_batches


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cifar")
    write_batches(folder / "cifar-10-batches-py", make_images(200), make_images(60, seed=1))
    return folder


@pytest.fixture(scope="session")
def folder(common_folder: Path) -> Path:
    """Where all experiments of this room write: they share their cells, in whichever process."""
    return common_folder / "batch_norm"
