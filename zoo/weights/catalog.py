"""What exists: ``zoo/catalog.json``, one entry a model, with the size and sha256 of every file.

The catalog is part of the code, so whoever trusts the code trusts the hashes, and with them the
weights, wherever those come from (the bundle, a cache, the Hub).
``training/engine/model_folder.py`` writes it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from zoo.errors import IntegrityError, UnknownModelError, ZooError
from zoo.weights import own_models
from zoo.weights.model_info import CONFIG, RECORD, WEIGHTS, FileInfo, ModelInfo

CATALOG_PATH = Path(__file__).parents[1] / "catalog.json"


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


def list_models(
    task: str | None = None, *, own: bool = True, alternatives: bool = True
) -> list[str]:
    """Return the names of all models, in the catalog's order; models of one's own come last.

    Args:
        task: ``"classification"`` or ``"segmentation"``; None for both.
        own: Whether to name the models of ``ZOO_EXTRA`` too; see :mod:`zoo.weights.own_models`.
        alternatives: Whether to name those too that are there to be compared with another one, such
            as ``"carvana-fcn"`` with ``"carvana"``.

    Raises:
        ZooError: ``ZOO_EXTRA`` names something that is no model.

    Example:
        >>> import zoo
        >>> "mnist" in zoo.list_models()
        True
    """
    models = _all_models() if own else read_catalog().models
    return [
        name
        for name, info in models.items()
        if task in (None, info.task) and (alternatives or not info.alternative_to)
    ]


def info(name: str) -> ModelInfo:
    """Return what the catalog knows about a model, without loading it.

    Args:
        name: One of :func:`list_models`.

    Raises:
        UnknownModelError: No model has that name.
        ZooError: ``ZOO_EXTRA`` names something that is no model.

    Example:
        >>> import zoo
        >>> zoo.info("mnist").task
        'classification'
    """
    models = _all_models()
    if name not in models:
        raise UnknownModelError(f"There is no model {name!r}{_suggestion(name, list(models))}")
    return models[name]


def _all_models() -> Mapping[str, ModelInfo]:
    """Return the models of the catalog, and those of ``ZOO_EXTRA``."""
    shipped, own = read_catalog().models, own_models.read()
    if taken := sorted(shipped.keys() & own.keys()):
        raise ZooError(
            f"ZOO_EXTRA: {own[taken[0]].folder} calls itself {taken[0]!r}, as a model that ships "
            f"with the code does; write NAME={own[taken[0]].folder} to give it another name."
        )
    return {**shipped, **own} if own else shipped


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
        alternative_to=str(entry.get("alternative_to", "")),
        repo=repo,
        revision=revision,
    )
