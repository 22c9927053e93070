"""The options of ``python -m zoo``, command by command."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zoo.backends import choosing
from zoo.command_parser import CommandParser

Run = Callable[[argparse.Namespace], int]
_SOURCES = '"auto", "bundle", "hub" or a folder (default auto)'


def parser(run: Mapping[str, Run]) -> argparse.ArgumentParser:
    """Return what reads the command line.

    Args:
        run: What runs each command, by its name. It gets the options and returns the exit code,
            and stands in them as ``run``.
    """
    made = CommandParser(prog="python -m zoo", description="Networks that are what they claim.")
    commands = made.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add(commands, "list", run["list"], "list the models")
    _add(commands, "info", run["info"], "everything about one model").add_argument("model")
    _add_pull(commands, run["pull"])
    _add(
        commands, "verify", run["verify"], "check every bundled file against the catalog",
        json=False,
    )  # fmt: skip
    _add_predict(commands, run["predict"])
    _add_bench(commands, run["bench"])
    _add_export(commands, run["export"])
    return made


def _add(
    commands: Any,
    name: str,
    run: Run,
    text: str,
    *,
    json: bool = True,
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run=run)
    if json:
        command.add_argument("--json", action="store_true", help="print JSON")
    return command


def _add_pull(commands: Any, run: Run) -> None:
    pull = _add(commands, "pull", run, "bring weights from the Hub into the cache", json=False)
    pull.add_argument("models", nargs="*", metavar="MODEL", help="default: all")
    pull.add_argument("--revision", help="commit hash, tag or branch (default: the pinned one)")
    pull.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="give up when nothing arrives for so long (default: ZOO_TIMEOUT, else 20)",
    )


def _add_predict(commands: Any, run: Run) -> None:
    predict = _add(commands, "predict", run, "what do these images show?")
    predict.add_argument("model")
    predict.add_argument(
        "images", nargs="+", metavar="IMAGE", help="image files, or folders of them"
    )
    for what, text in (("mask", "the masks"), ("cutout", "what they cut out")):
        predict.add_argument(
            f"--save-{what}", type=Path, metavar="DIR", help=f"write {text} as PNG files"
        )
    predict.add_argument(
        "--largest-component",
        action="store_true",
        help="keep the largest connected component of each mask, and no other",
    )
    _add_where(predict)
    predict.add_argument(
        "--backend", choices=choosing.BACKENDS, default="auto", help="what computes (default auto)"
    )
    predict.add_argument(
        "--precision", choices=choosing.PRECISIONS, default="float32", help="default float32"
    )


def _add_bench(commands: Any, run: Run) -> None:
    bench = _add(commands, "bench", run, "time the network on this machine")
    bench.add_argument("model")
    bench.add_argument(
        "--repeats", type=_positive, help="default 50; 7 where number formats are compared"
    )
    bench.add_argument(
        "--batch", type=_positive, help="default 256; 128 where formats are compared; photos: 1"
    )
    _add_where(bench)


def _add_export(commands: Any, run: Run) -> None:
    export = _add(commands, "export", run, "write a model as a file that other programs run")
    export.add_argument("model")
    export.add_argument("--format", choices=["onnx"], default="onnx", help="default onnx")
    export.add_argument(
        "--out", type=Path, metavar="FILE", help="default MODEL.onnx in the current folder"
    )
    export.add_argument("--source", default="auto", help=_SOURCES)


def _add_where(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default auto)")
    command.add_argument("--source", default="auto", help=_SOURCES)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
