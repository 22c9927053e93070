"""What a run writes down about itself: command, code, machine, versions; and experiments."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from training.engine.json_files import write_json
from zoo.command_parser import program

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = ROOT / "zoo" / "experiments"


def provenance(packages: Sequence[str] = ("numpy",)) -> dict[str, Any]:
    """Return the keys that every record begins with: command, git_commit, hardware, versions.

    Args:
        packages: whose versions matter to the result.
    """
    return {
        "command": command_line(),
        "git_commit": git_commit(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": hardware(),
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in packages},
    }


def command_line() -> str:
    """Return the command that started this process, as one would type it in the repo.

    Whoever repeats it has folders of their own: those of data and runs are written as DIR, RUN_DIR
    and RUN, that of the results as FOLDER.
    """
    return without_folders(shlex.join([*program().split(), *sys.argv[1:]]))


def without_folders(command: str) -> str:
    """Return a command with the values of options that take folders replaced by names."""
    words = shlex.split(command)
    names = {
        "--data-dir": "DIR", "--out": "RUN_DIR", "--init-from": "RUN", "--first-part": "RUN",
        "--calibrated-by": "RUN", "--model-folder": "RUN", "--folder": "FOLDER",
        "--images": "IMAGES", "--masks": "MASKS",
    }  # fmt: skip
    for index, word in enumerate(words):
        option, equals, _ = word.partition("=")
        if option in names and equals:
            words[index] = f"{option}={names[option]}"
        elif word in names and index + 1 < len(words):
            words[index + 1] = names[word]
    return shlex.join(words)


def git_commit() -> str | None:
    """Return the commit of this checkout, with ``+changes`` if the code differs from it.

    None outside a git checkout. Only code counts as a change: a run that writes its own record
    has not changed what it ran.
    """

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "-uno", "--", "zoo/*.py", "training/*.py")
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+changes" if changed else "")


def hardware() -> dict[str, Any]:
    """Return the processor, its cores and memory, and the GPU if torch is loaded and sees one."""
    gpu = None
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        gpu = torch.cuda.get_device_name()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": _cpu_name(), "cores": cores, "memory_gib": _memory_gib(), "gpu": gpu}


def write_experiment(
    name: str,
    *,
    question: str,
    finding: str,
    rows: Sequence[Mapping[str, Any]],
    record: Mapping[str, Any],
    seeds: Sequence[int],
    folder: Path = EXPERIMENTS,
    **extra: Any,
) -> Path:
    """Write ``<name>.json``, a measurement that answers a question, for ``zoo.experiment(name)``.

    Args:
        question: what was asked, ending with a question mark.
        finding: what the table shows, in one sentence.
        rows: a tidy table: one mapping a row, all with the same keys.
        record: the result of `provenance`, taken when the measurement began.
        seeds: of all runs in the table.
        extra: more keys, such as ``curves``.

    Raises:
        ValueError: if there are no rows or their keys differ.
    """
    if not rows or any(row.keys() != rows[0].keys() for row in rows):
        raise ValueError("An experiment needs rows, all with the same keys.")
    path = folder / f"{name}.json"
    content = {"format": 1, "name": name, "question": question, "finding": finding}
    write_json(path, content | dict(record) | {"seeds": list(seeds), "rows": list(rows)} | extra)
    return path


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
    return round(total / 2**30, 1)
