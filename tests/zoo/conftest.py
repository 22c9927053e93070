"""A tiny model with random weights in a catalog of its own: fast, and free to be damaged."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from zoo.networks import build
from zoo.weights import catalog

ARGUMENTS = {"channels": [2, 4], "classes": 10}


@dataclass
class Bundle:
    """A catalog and its bundle folder, with helpers to change them."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "bundle" / "mnist"

    def write(self, name: str, contents: bytes) -> None:
        """Write a file and pin it: damage that the hashes do not catch."""
        (self.folder / name).write_bytes(contents)
        self.pin()

    def write_state(self, state: dict[str, np.ndarray], architecture: str = "numpy_cnn") -> None:
        self.write("model.safetensors", save(state, {"architecture": architecture}))

    def state(self) -> dict[str, np.ndarray]:
        network = build({"architecture": "numpy_cnn", "arguments": ARGUMENTS})
        return {name: np.array(value) for name, value in network.state_dict().items()}

    def config(self) -> dict[str, Any]:
        return {
            "format": 2,
            "model": "mnist",
            "title": "Digits",
            "task": "classification",
            "framework": "numpy",
            "architecture": "numpy_cnn",
            "arguments": ARGUMENTS,
            "preprocessing": {
                "kind": "mnist_digit",
                "channels": 1,
                "height": 28,
                "width": 28,
                "mean": [0.1307],
                "std": [0.3081],
            },
            "labels": [str(digit) for digit in range(10)],
        }

    def pin(self) -> None:
        files = {
            path.name: {
                "size": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in sorted(self.folder.iterdir())
        }
        entry = {
            "title": "Digits",
            "task": "classification",
            "framework": "numpy",
            "architecture": "numpy_cnn",
            "labels": self.config()["labels"],
            "parameters": 500,
            "metrics": {"accuracy": 0.5},
            "metrics_n": 10,
            "license": "Apache-2.0",
            "data": {"name": "MNIST", "license": "CC BY-SA 3.0", "source": "here"},
            "files": files,
        }
        whole = {"format": 2, "repo": None, "revision": None, "models": {"mnist": entry}}
        (self.root / "catalog.json").write_text(json.dumps(whole))
        catalog._parse.cache_clear()  # two writes within one tick of the file system's clock


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    monkeypatch.delenv("ZOO_REPO", raising=False)
    monkeypatch.setattr(catalog, "CATALOG_PATH", tmp_path / "catalog.json")
    bundle = Bundle(tmp_path)
    bundle.folder.mkdir(parents=True)
    (bundle.folder / "config.json").write_text(json.dumps(bundle.config()))
    (bundle.folder / "record.json").write_text(json.dumps({"seed": 7}))
    bundle.write_state(bundle.state())
    return bundle


@pytest.fixture
def digit() -> np.ndarray:
    """A 7 in black on a white 280 × 280 pad, uint8."""
    pad = np.full((280, 280), 255, np.uint8)
    pad[60:80, 90:190] = 0
    for row in range(80, 220):
        left = 175 - (row - 80) * 70 // 140
        pad[row, left : left + 18] = 0
    return pad
