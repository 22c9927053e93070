"""Errors of the training commands, and how a command reports them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

RESUME = "All is kept up to the last checkpoint; the same command with --resume goes on from there."


class TrainingError(Exception):
    """Something the user can put right; the message says how, in one sentence."""


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM), as by ``kill`` or a machine that shuts down."""


def diverged(what: str, value: float, epoch: int) -> TrainingError:
    """Return the error of a run whose loss or weights are no longer numbers."""
    return TrainingError(
        f"The {what} became {value} in epoch {epoch}; the last checkpoint is kept. "
        "Lower the learning rate."
    )


def reason(error: BaseException) -> str:
    """Return what an exception says, in one line; its kind, if it says nothing."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def run_command(main: Callable[[], int], stopped: str = "") -> None:
    """Exit with what ``main`` returns: 0 done, 1 a failed check; 2 for a `TrainingError`.

    A `TrainingError` is printed as one line, without a traceback, and so is what the system refuses
    (a full disk, a folder that is read-only). Ctrl-C exits with 130 and SIGTERM with 143, as a
    shell expects, after saying how to go on. What the terminal's encoding lacks becomes ``?``.

    Args:
        main: the command.
        stopped: how to go on after a stop, a sentence.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not what a test puts there
            stream.reconfigure(errors="replace")
    signal.signal(signal.SIGTERM, _terminate)
    try:
        sys.exit(main())
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{reason(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt as stop:
        if os.environ.get("RANK", "0") == "0":  # one of several processes speaks
            print(f"\nStopped. {stopped}".rstrip(), file=sys.stderr)
        sys.exit(143 if isinstance(stop, Terminated) else 130)


def _terminate(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the second one must not interrupt the goodbye
    raise Terminated
