"""Command lines whose errors are one sentence."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

BAD_INPUT = 2  # exit code, as argparse has it for bad usage


def program() -> str:
    """Return what started this process, without its options: ``python -m training.mnist``."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return f"python -m {spec.name.removesuffix('.__main__')}" if spec else sys.argv[0]


class CommandParser(argparse.ArgumentParser):
    """argparse prints the usage before an error, ten lines of it; here an error is one line."""

    def __init__(self, prog: str | None = None, **options: Any) -> None:
        super().__init__(prog=prog or program(), **options)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where the options are explained, and exit with 2."""
        self.exit(BAD_INPUT, f"error: {message} (see {self.prog} --help)\n")
