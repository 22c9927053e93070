"""The command line of the experiments that train: folders, and a rehearsal in seconds."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.engine import provenance
from training.engine.failures import TrainingError


def parser(question: str, out: str) -> argparse.ArgumentParser:
    """Return a parser with ``--data-dir``, ``--out``, ``--folder`` and ``--quick``.

    Args:
        question: what the experiment asks, for ``--help``.
        out: the folder of finished work, unless the command line gives another.
    """
    made = argparse.ArgumentParser(description=question)
    made.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    made.add_argument(
        "--out", type=Path, default=Path(out), metavar="RUN_DIR",
        help=f"finished work; the same command goes on where it was stopped (default {out})",
    )  # fmt: skip
    made.add_argument(
        "--folder", type=Path, default=provenance.EXPERIMENTS, metavar="DIR",
        help="where the JSON file goes (default zoo/experiments)",
    )  # fmt: skip
    made.add_argument(
        "--quick", action="store_true", help="a rehearsal on a few images, in seconds: not a "
        "measurement, so it needs a --folder of its own",
    )  # fmt: skip
    return made


def conclude(options: argparse.Namespace, name: str, **content: Any) -> int:
    """Write the JSON, print where it lies and what was found, and return the exit code.

    Args:
        options: the command line.
        name: of the experiment.
        content: as for `training.engine.provenance.write_experiment`.
    """
    path = provenance.write_experiment(name, folder=options.folder, **content)
    print(f"{path}: {content['finding']}")
    return 0


def parse(made: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; a rehearsal keeps its finished work beside its JSON.

    Raises:
        TrainingError: if a rehearsal would write over a measurement.
    """
    options = made.parse_args(arguments)
    if options.quick:
        if options.folder.resolve() == provenance.EXPERIMENTS.resolve():
            raise TrainingError("--quick measures nothing; give it a --folder of its own.")
        options.out = options.folder / "finished"
    return options
