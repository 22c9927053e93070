"""What every experiment's command shares: options, a rehearsal in seconds, the record, the JSON."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.engine import provenance
from training.engine.failures import TrainingError
from zoo.command_parser import CommandParser

GO_ON = "What is finished is kept; the same command goes on."  # after a stop


def parser(question: str, out: str | None = None, data: bool = True) -> argparse.ArgumentParser:
    """Return a parser with ``--data-dir`` and ``--folder``, and for trainings two more.

    Args:
        question: what the experiment asks, for ``--help``.
        out: of an experiment that trains: the folder of finished work, unless ``--out`` gives
            another; it also gets ``--quick``.
        data: whether it needs a data set, and so has ``--data-dir``.
    """
    made = CommandParser(description=question)
    if data:
        made.add_argument("--data-dir", type=Path, required=True, metavar="DIR")
    made.add_argument(
        "--folder", type=Path, default=provenance.EXPERIMENTS, metavar="DIR",
        help="where the JSON file goes (default zoo/experiments)",
    )  # fmt: skip
    if out:
        made.add_argument(
            "--out", type=Path, default=Path(out), metavar="RUN_DIR",
            help=f"finished work; the same command goes on where it was stopped (default {out})",
        )  # fmt: skip
        made.add_argument(
            "--quick", action="store_true", help="a rehearsal on a few images, in seconds: not a "
            "measurement, so it needs a --folder of its own",
        )  # fmt: skip
    return made


class Study:
    """One run of an experiment's command.

    Attributes:
        name: of the experiment, and of its JSON.
        question: what it asks.
        options: the command line.
        record: provenance, taken when the measurement begins.
    """

    def __init__(
        self, name: str, question: str, options: argparse.Namespace, packages: Sequence[str]
    ) -> None:
        """Args:
            packages: whose versions matter to the result.

        Raises:
            TrainingError: if a rehearsal would write over a measurement.
        """
        self.name, self.question, self.options = name, question, options
        if getattr(options, "quick", False):
            if options.folder.resolve() == provenance.EXPERIMENTS.resolve():
                raise TrainingError("--quick measures nothing; give it a --folder of its own.")
            options.out = options.folder / "finished"  # beside its JSON
        self.record = provenance.provenance(packages)

    def conclude(
        self, rows: Sequence[Mapping[str, Any]], finding: str, seeds: Sequence[int], **more: Any
    ) -> int:
        """Write the JSON, print where it lies and what was found, and return the exit code.

        Args:
            rows: the tidy table.
            finding: what it shows.
            seeds: of all runs in it.
            more: further keys.
        """
        path = provenance.write_experiment(
            self.name,
            question=self.question,
            finding=finding,
            rows=rows,
            record=self.record,
            seeds=seeds,
            folder=self.options.folder,
            **more,
        )
        print(f"{path}: {finding}")
        return 0
