"""What the recipes share on the command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from training.engine.failures import TrainingError
from training.engine.run_folder import check_writable
from zoo.command_parser import CommandParser

R = TypeVar("R", bound=Any)  # a recipe, a dataclass with a field ``epochs``


def add_arguments(parser: argparse.ArgumentParser, *, epochs: int) -> None:
    """Add the options that every recipe takes; ``epochs`` is the recipe's own number."""
    parser.add_argument(
        "--data-dir", type=Path, required=True, metavar="DIR", help="folder that holds the data set"
    )
    parser.add_argument(
        "--download", action="store_true", help="fetch the data set into --data-dir if missing"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="RUN_DIR", help="checkpoint and result"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in --out, if there is one"
    )
    parser.add_argument(
        "--seed", type=int, nargs="+", default=[0], metavar="N",
        help="one run for each; several go to RUN_DIR/seed-N, and the first one is exported",
    )  # fmt: skip
    parser.add_argument(
        "--epochs", type=positive, default=epochs, metavar="N", help=f"default {epochs}"
    )
    add_results(parser)


def add_results(parser: argparse.ArgumentParser) -> None:
    """Add what may be done with a finished run: ``--export`` and ``--publish``."""
    parser.add_argument(
        "--export", action="store_true",
        help="measure the finished model on the test set and put it into zoo/bundle/",
    )  # fmt: skip
    parser.add_argument(
        "--publish", type=repository, metavar="OWNER/NAME",
        help="export, and publish the zoo's models to this repo on the Hugging Face Hub",
    )  # fmt: skip


def add_presets(parser: argparse.ArgumentParser, presets: Mapping[str, Any]) -> None:
    """Add ``--preset``, the first one by default; without ``--epochs`` its own number counts."""
    parser.add_argument("--preset", choices=list(presets), default=next(iter(presets)))
    parser.set_defaults(epochs=None)


def chosen(presets: Mapping[str, R], options: argparse.Namespace) -> R:
    """Return the recipe of ``--preset``, with the number of ``--epochs`` if it was given."""
    recipe = presets[options.preset]
    return replace(recipe, epochs=options.epochs) if options.epochs else recipe


def run_folders(options: argparse.Namespace) -> dict[int, Path]:
    """Return each seed's folder: ``--out`` itself, or for several seeds ``seed-N`` in it.

    Raises:
        TrainingError: if nothing can be written there.
    """
    check_writable(options.out)
    if len(options.seed) == 1:
        return {options.seed[0]: options.out}
    return {seed: options.out / f"seed-{seed}" for seed in options.seed}


def check_batch(batch: int, images: int, processes: int = 1) -> None:
    """Make sure that batches can be made.

    Raises:
        TrainingError: if there are fewer images than a batch takes, or the processes cannot share
            one evenly.
    """
    if batch > images:
        raise TrainingError(
            f"A batch of {batch} does not suit {images} training images: there must be at least "
            f"{batch}."
        )
    if batch % processes:
        raise TrainingError(
            f"A batch of {batch} does not suit {processes} processes; start a number of them that "
            "divides it."
        )


def positive(text: str) -> int:
    """Parse a whole number of at least 1 (for ``argparse``)."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def repository(text: str) -> str:
    """Parse the name of a repo on the Hub, ``OWNER/NAME`` (for ``argparse``)."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", text):
        raise argparse.ArgumentTypeError("must be OWNER/NAME")
    return text


def for_each_model(
    description: str | None,
    write: Callable[[str], Path],
    having: Callable[[], Sequence[str]],
    arguments: Sequence[str] | None,
) -> int:
    """Run the command line of a record: write those of the models that are named, or of all.

    Args:
        description: The command's module text; its first line is shown.
        write: Writes a model's record.
        having: Returns the models that there is something to record for.
        arguments: Of the command line.
    """
    parser = CommandParser(description=(description or "").partition("\n")[0])
    parser.add_argument("models", nargs="*", help="default: all that it can be recorded for")
    for name in parser.parse_args(arguments).models or having():
        path = write(name)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    return 0
