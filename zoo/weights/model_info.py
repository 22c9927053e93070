"""What is known of a model before it is loaded, and the names of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
RECORD = "record.json"


@dataclass(frozen=True)
class FileInfo:
    """One pinned file of a model.

    Attributes:
        name: File name inside the model's folder, such as ``"model.safetensors"``.
        size: Size in bytes.
        sha256: SHA-256 of the contents, 64 hex digits.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class ModelInfo:
    """What the catalog says about a model.

    Attributes:
        name: The name that :func:`zoo.load` takes.
        title: A name for people.
        task: ``"classification"`` or ``"segmentation"``.
        framework: ``"numpy"`` or ``"torch"``.
        architecture: The network's name in :mod:`zoo.networks`.
        labels: Class names, in the order of the network's outputs.
        parameters: Number of trained parameters.
        metrics: Test metrics as fractions, such as ``{"accuracy": 0.99}``.
        metrics_n: Number of examples behind ``metrics``.
        license: SPDX name of the license of the weights.
        data: ``name``, ``license`` and ``source`` of the training data.
        files: The pinned files by name.
        samples: The collection of :mod:`zoo.samples` to try it on, "" for none.
        image_set: The labelled images in :mod:`zoo.samples.sets` like those it learned from, or "".
        limitations: What it does less well, in a few sentences.
        repo: Hub repo ``owner/name`` that holds the same files, or None.
        revision: Pinned revision of ``repo``, or None.
        alternative_to: The model that it is there to be compared with, "" if it stands for itself.
        metrics_split: ``"test"``, or what a model of one's own was measured on, ``"validation"``.
        folder: Where a model of one's own lies, None for one that ships with the code.
    """

    name: str
    title: str
    task: str
    framework: str
    architecture: str
    labels: tuple[str, ...]
    parameters: int
    metrics: Mapping[str, float]
    metrics_n: int
    license: str
    data: Mapping[str, Any]
    files: Mapping[str, FileInfo] = field(repr=False)
    samples: str = ""
    image_set: str = ""
    limitations: str = ""
    alternative_to: str = ""
    repo: str | None = None
    revision: str | None = None
    metrics_split: str = "test"
    folder: Path | None = None

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files.values())

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights, ``model.safetensors``."""
        return self.files[WEIGHTS].sha256

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as plain JSON types, for ``python -m zoo info M --json``."""
        return {
            "name": self.name,
            "title": self.title,
            "task": self.task,
            "framework": self.framework,
            "architecture": self.architecture,
            "labels": list(self.labels),
            "parameters": self.parameters,
            "metrics": dict(self.metrics),
            "metrics_n": self.metrics_n,
            "license": self.license,
            "data": dict(self.data),
            "size": self.size,
            "sha256": self.sha256,
            "files": {f.name: {"size": f.size, "sha256": f.sha256} for f in self.files.values()},
            "repo": self.repo,
            "revision": self.revision,
            "alternative_to": self.alternative_to,
        }
