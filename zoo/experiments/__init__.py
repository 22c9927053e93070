"""Recorded measurements, one JSON file a question; ``training/experiments`` writes them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from zoo.errors import ExperimentError

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Experiment:
    """A measurement that answers one question.

    Attributes:
        name: Its name, and the file's.
        question: What was asked.
        finding: What the rows show, in one sentence.
        command: The command that repeats it.
        rows: The tidy table: one mapping from column to value for each row.
        git_commit: Commit of the code that ran.
        hardware: CPU, cores, memory, GPU.
        versions: Versions of Python and the packages.
        seeds: Seeds of the runs.
        raw: The whole file.
    """

    name: str
    question: str
    finding: str
    command: str
    rows: tuple[Mapping[str, Any], ...] = field(repr=False)
    git_commit: str | None = None
    hardware: Mapping[str, Any] = field(default_factory=dict, repr=False)
    versions: Mapping[str, str] = field(default_factory=dict, repr=False)
    seeds: tuple[int, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


def list_experiments() -> list[str]:
    """Return the names of all recorded experiments, sorted."""
    changed = FOLDER.stat().st_mtime_ns if FOLDER.is_dir() else 0
    if time.time_ns() - changed < _TICK:
        return list(_names.__wrapped__(FOLDER, changed))
    return list(_names(FOLDER, changed))


_TICK = 100_000_000  # nanoseconds in which a folder may change twice and have one time


@lru_cache(maxsize=4)
def _names(folder: Path, mtime_ns: int) -> tuple[str, ...]:
    """Look into a folder; ``mtime_ns`` is only the cache's key: pages ask dozens of times a run."""
    return tuple(sorted(path.stem for path in folder.glob("*.json")))


def experiment(name: str) -> Experiment:
    """Read one recorded experiment.

    Args:
        name: One of :func:`list_experiments`.

    Raises:
        ExperimentError: No experiment has that name, or its file is damaged.
    """
    path = FOLDER / f"{name}.json"
    # A name such as "../catalog" stays inside the folder.
    if not re.fullmatch(r"\w+", name) or not path.is_file():
        known = ", ".join(list_experiments()) or "none yet"
        raise ExperimentError(f"There is no experiment {name!r}; there are: {known}.")
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _read(path: Path, mtime_ns: int) -> Experiment:
    """Read a file; ``mtime_ns`` is only the cache's key, so that a new recording is noticed."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Experiment(
            name=path.stem,
            question=raw["question"],
            finding=raw["finding"],
            command=raw["command"],
            rows=tuple(dict(row) for row in raw["rows"]),
            git_commit=raw.get("git_commit"),
            hardware=raw.get("hardware") or {},
            versions=raw.get("versions") or {},
            seeds=tuple(raw.get("seeds") or ()),
            raw=raw,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExperimentError(
            f"The experiment {path} cannot be read ({type(error).__name__}: {error})."
        ) from None
