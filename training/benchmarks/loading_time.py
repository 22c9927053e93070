"""How long does it take to import the library, and to load a model?

    python -m training.benchmarks.loading_time

``import zoo`` beside ``import numpy``, each in processes of its own, in turns; and ``zoo.load`` of
each shipped model once everything is imported, beside what it cannot do without: reading the same
file and its SHA-256. The result is ``zoo/experiments/loading_time.json``.

Rows, one a thing that is timed:

- ``what``: "import numpy", "import zoo", or a model's name.
- ``milliseconds``: median; ``n``: of how many.
- ``floor_milliseconds``: of a model: reading its weights and their SHA-256 (null for imports).
"""

from __future__ import annotations

import hashlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import zoo
from training.engine.failures import run_command
from training.engine.model_folder import BUNDLE
from training.engine.provenance import ROOT
from training.experiments import command
from zoo.weights.model_info import WEIGHTS

QUESTION = "How long does it take to import the library, and to load a model?"
LIMITS = (
    "One machine, its files in memory already. A model is loaded once before the loads that are "
    "timed: what then is kept (packages, the structure of the network) a first load pays for."
)
_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def import_seconds(module: str) -> float:
    """Return how long a new process takes to import a module."""
    program = [sys.executable, "-c", _IMPORT.format(module)]
    return float(subprocess.run(program, cwd=ROOT, capture_output=True, check=True).stdout)


def _read(path: Path) -> bytes:
    """Do what every load must: read a file, and hash it."""
    return hashlib.sha256(path.read_bytes()).digest()


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(models: Sequence[str], rounds: int) -> list[dict[str, Any]]:
    """Return the rows."""
    times: dict[str, list[float]] = {}
    floors: dict[str, list[float]] = {}
    for _ in range(rounds):
        for module in ("numpy", "zoo"):
            times.setdefault(f"import {module}", []).append(import_seconds(module))
    for turn in range(rounds + 1):
        for name in models:
            seconds = _timed(partial(zoo.load, name, device="cpu", source="bundle"))
            path = BUNDLE / name / WEIGHTS
            floor = _timed(partial(_read, path))
            if turn:  # the first one imports what the others find
                times.setdefault(name, []).append(seconds)
                floors.setdefault(name, []).append(floor)
    return [
        {
            "what": what,
            "milliseconds": 1000 * statistics.median(found),
            "n": len(found),
            "floor_milliseconds": 1000 * statistics.median(floors[what])
            if what in floors
            else None,
        }
        for what, found in times.items()
    ]


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""

    def told(row: Mapping[str, Any]) -> str:
        floor = row["floor_milliseconds"]
        of = f" (reading and SHA-256 alone {floor:.1f})" if floor is not None else ""
        return f"{row['what']} {row['milliseconds']:.0f} ms{of}"

    return f"It takes: {', '.join(map(told, rows))}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = command.parser(QUESTION, data=False)
    parser.add_argument(
        "--models", nargs="+", default=zoo.list_models(own=False, alternatives=False)
    )
    parser.add_argument("--rounds", type=int, default=9, help="default 9")
    options = parser.parse_args(arguments)
    study = command.Study("loading_time", QUESTION, options, ("numpy", "torch"))
    rows = measure(options.models, options.rounds)
    return study.conclude(rows, finding(rows), [0], limits=LIMITS)


if __name__ == "__main__":
    run_command(main)
