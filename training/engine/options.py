"""What the three recipes share on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from training import evaluate
from training.engine.json_files import read_json, write_json
from training.engine.model_folder import export
from training.metrics import error_samples
from zoo.records import METRIC

CHECKPOINT = "checkpoint.safetensors"
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
    parser.add_argument(
        "--export", action="store_true", help="put the finished model into zoo/bundle/"
    )


def add_presets(parser: argparse.ArgumentParser, presets: Mapping[str, Any]) -> None:
    """Add ``--preset``, the first one by default; without ``--epochs`` its own number counts."""
    parser.add_argument("--preset", choices=list(presets), default=next(iter(presets)))
    parser.set_defaults(epochs=None)


def chosen(presets: Mapping[str, R], options: argparse.Namespace) -> R:
    """Return the recipe of ``--preset``, with the number of ``--epochs`` if it was given."""
    recipe = presets[options.preset]
    return replace(recipe, epochs=options.epochs) if options.epochs else recipe


def run_folders(options: argparse.Namespace) -> dict[int, Path]:
    """Return each seed's folder: ``--out`` itself, or for several seeds ``seed-N`` in it."""
    if len(options.seed) == 1:
        return {options.seed[0]: options.out}
    return {seed: options.out / f"seed-{seed}" for seed in options.seed}


def positive(text: str) -> int:
    """Parse a whole number of at least 1 (for ``argparse``)."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def finish(folders: dict[int, Path], data_dir: Path) -> Path:
    """Measure every run on the test set, note all seeds in the first one's record, export it.

    The images that a classifier gets wrong most confidently go to zoo/samples.

    Args:
        folders: the finished runs by seed.
        data_dir: see `training.data`.

    Returns:
        The folder in the bundle.
    """
    rows = []
    for seed, folder in folders.items():
        test = evaluate.record_test(folder, data_dir)
        metric = METRIC[read_json(folder / "config.json")["task"]]
        validation = read_json(folder / "record.json")["metrics"].get("validation", {})
        rows.append(
            {
                "seed": seed,
                f"validation_{metric}": validation.get(metric),
                f"test_{metric}": test[metric],
            }
        )
    first = next(iter(folders.values()))
    record = read_json(first / "record.json")
    write_json(first / "record.json", record | {"seeds": rows})
    bundled = export(first)
    if "confident_errors" in record:
        error_samples.save(bundled, data_dir)
    return bundled
