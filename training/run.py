"""What the three recipes share on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

CHECKPOINT = "checkpoint.safetensors"


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
    parser.add_argument(
        "--export", action="store_true", help="put the finished model into zoo/bundle/"
    )


def positive(text: str) -> int:
    """Parse a whole number of at least 1 (for ``argparse``)."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number
