"""What exists: ``zoo/catalog.json``, one entry a model, with the size and sha256 of every file.

The catalog is part of the code, so whoever trusts the code trusts the hashes, and with them the
weights, wherever those come from (the bundle, a cache, the Hub).
``training/engine/model_folder.py`` writes it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from zoo.errors import IntegrityError, UnknownModelError

CATALOG_PATH = Path(__file__).parents[1] / "catalog.json"
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
        metrics_n: Number of test examples behind ``metrics``.
        license: SPDX name of the license of the weights.
        data: ``name``, ``license`` and ``source`` of the training data.
        files: The pinned files by name.
        samples: The collection of :mod:`zoo.samples` to try it on, "" for none.
        image_set: The labelled images in :mod:`zoo.samples.sets` like those it learned from, or "".
        limitations: What it does less well, in a few sentences.
        repo: Hub repo ``owner/name`` that holds the same files, or None.
        revision: Pinned revision of ``repo``, or None.
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
    repo: str | None = None
    revision: str | None = None

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
        }


@dataclass(frozen=True)
class Catalog:
    """The whole catalog.

    Attributes:
        models: Entries by name, in the catalog's order.
        repo: Hub repo ``owner/name`` of the published weights, or None.
        revision: Pinned revision of ``repo``, or None.
        bundle: Folder with the weights that ship with the code, one sub-folder a model.
    """

    models: Mapping[str, ModelInfo]
    repo: str | None
    revision: str | None
    bundle: Path


def read_catalog() -> Catalog:
    """Read ``zoo/catalog.json``; a file that has not changed since the last call is not reread.

    Raises:
        IntegrityError: The file is missing or damaged.
    """
    try:
        return _parse(CATALOG_PATH, CATALOG_PATH.stat().st_mtime_ns)
    except FileNotFoundError:
        raise IntegrityError(
            f"The catalog {CATALOG_PATH} is missing; install the package again, or train a model "
            "and export it (python -m training.mnist --export)."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(
            f"The catalog {CATALOG_PATH} cannot be read ({type(error).__name__}: {error}); "
            "install the package again."
        ) from None


def list_models() -> list[str]:
    """Return the names of all models, in the catalog's order.

    Example:
        >>> import zoo
        >>> "mnist" in zoo.list_models()
        True
    """
    return list(read_catalog().models)


def info(name: str) -> ModelInfo:
    """Return what the catalog knows about a model, without loading it.

    Args:
        name: One of :func:`list_models`.

    Raises:
        UnknownModelError: No model has that name.

    Example:
        >>> import zoo
        >>> zoo.info("mnist").task
        'classification'
    """
    models = read_catalog().models
    if name not in models:
        raise UnknownModelError(f"There is no model {name!r}{_suggestion(name, list(models))}")
    return models[name]


def _suggestion(name: object, names: list[str]) -> str:
    near = difflib.get_close_matches(str(name).lower(), names, n=3, cutoff=0.5)
    if near:
        return "; did you mean " + " or ".join(repr(n) for n in near) + "?"
    return "; the models are " + ", ".join(names) + "." if names else "; the catalog is empty."


@lru_cache(maxsize=4)
def _parse(path: Path, mtime_ns: int) -> Catalog:
    """Parse the catalog; ``mtime_ns`` is only the cache's key, so that an export is noticed."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    if raw["format"] != 2:
        raise ValueError(f"format {raw['format']} is not known to this version")
    repo, revision = raw.get("repo"), raw.get("revision")
    models = {
        name: _parse_entry(name, entry, repo, revision) for name, entry in raw["models"].items()
    }
    return Catalog(MappingProxyType(models), repo, revision, path.parent / "bundle")


def _parse_entry(
    name: str, entry: Mapping[str, Any], repo: str | None, revision: str | None
) -> ModelInfo:
    files = {
        file: FileInfo(file, int(pin["size"]), str(pin["sha256"]))
        for file, pin in entry["files"].items()
    }
    if missing := {WEIGHTS, CONFIG, RECORD} - set(files):
        raise ValueError(f"the entry of {name} pins no {', '.join(sorted(missing))}")
    return ModelInfo(
        name=name,
        title=entry["title"],
        task=entry["task"],
        framework=entry["framework"],
        architecture=entry["architecture"],
        labels=tuple(entry["labels"]),
        parameters=int(entry["parameters"]),
        metrics=MappingProxyType(dict(entry["metrics"])),
        metrics_n=int(entry["metrics_n"]),
        license=entry["license"],
        data=MappingProxyType(dict(entry["data"])),
        files=MappingProxyType(files),
        samples=str(entry.get("samples", "")),
        image_set=str(entry.get("image_set", "")),
        limitations=str(entry.get("limitations", "")),
        repo=repo,
        revision=revision,
    )
