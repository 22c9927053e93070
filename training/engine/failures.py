"""Errors of the training commands, and how a command reports them."""

from __future__ import annotations

import sys
from collections.abc import Callable


class TrainingError(Exception):
    """Something the user can put right; the message says how, in one sentence."""


def diverged(what: str, value: float, epoch: int) -> TrainingError:
    """Return the error of a run whose loss or weights are no longer numbers."""
    return TrainingError(
        f"The {what} became {value} in epoch {epoch}; the last checkpoint is kept. "
        "Lower the learning rate."
    )


def run_command(main: Callable[[], int]) -> None:
    """Exit with what ``main`` returns: 0 done, 1 a failed check; 2 for a `TrainingError`.

    A `TrainingError` is printed as one line, without a traceback. Ctrl-C exits with 130, as a
    shell expects, after saying how to go on.
    """
    try:
        sys.exit(main())
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("\nStopped. The same command with --resume goes on.", file=sys.stderr)
        sys.exit(130)
