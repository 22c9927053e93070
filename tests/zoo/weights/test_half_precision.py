"""Weights stored in half of the bytes answer as the same numbers stored in float32 do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

import zoo
from tests.hub import tiny
from zoo.loading import load_folder

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def folder_with(files: dict[str, bytes], folder: Path, stored: str, computed: str) -> Path:
    """Write a model whose float32 numbers went through one dtype and are stored in another."""
    weights = load(files["model.safetensors"])
    architecture = "cifar" if b'"cifar"' in files["config.json"] else "numpy_cnn"
    weights = {
        name: value.astype(stored).astype(computed) if value.dtype == np.float32 else value
        for name, value in weights.items()
    }
    folder.mkdir()
    for name, contents in files.items():
        (folder / name).write_bytes(contents)
    (folder / "model.safetensors").write_bytes(save(weights, {"architecture": architecture}))
    return folder


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_half_precision_is_widened(name: str, tmp_path: Path) -> None:
    files = tiny.model_files() if name == "mnist" else tiny.object_files()
    rounded = folder_with(files, tmp_path / "rounded", "float16", "float32")
    half = folder_with(files, tmp_path / "half", "float16", "float16")
    size = [(folder / "model.safetensors").stat().st_size for folder in (half, rounded)]
    assert size[0] < 0.6 * size[1]
    image = IMAGE if name == "cifar10" else IMAGE[:28, :28, 0]
    models = [load_folder(name, folder, "cpu") for folder in (half, rounded)]
    answers = [model.predict(image) for model in models]
    assert all(isinstance(answer, zoo.Classification) for answer in answers)
    np.testing.assert_array_equal(answers[0].probabilities, answers[1].probabilities)


def test_other_dtypes_are_still_refused(tmp_path: Path) -> None:
    wider = folder_with(tiny.object_files(), tmp_path / "wider", "float64", "float64")
    with pytest.raises(zoo.IntegrityError, match="float64, the network has"):
        load_folder("cifar10", wider, "cpu")
