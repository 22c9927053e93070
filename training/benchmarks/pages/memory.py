"""How much memory the app's server needs: at its peak, and after everybody has left.

``python -m training.benchmarks.pages.memory`` starts the app, lets it warm up behind a first
visitor, lets ten visitors open all pages at once, and waits until their sessions are gone. The
figures are the server's resident memory, from Linux's /proc. ``--limit`` takes them under a limit
of the process's own data (RLIMIT_DATA), which is stricter than a container's: a thread's whole
stack counts from its start, and no page of a file can be dropped.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from training.benchmarks.pages.page_wait import running_app
from training.benchmarks.pages.visitors import PageError, Visitor, class_of, walk
from training.engine.provenance import hardware
from zoo.command_parser import CommandParser

MB = 2**20
NEED_TORCH = ("cars", "feature_maps")  # pages that are finished only when the models are loaded
_QUIET = 2.0  # seconds without work after which a server is at rest


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark from the command line; return the exit code."""
    parser = CommandParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, default=10, help="at the same time (default 10)")
    parser.add_argument("--rounds", type=int, default=2, help="walks of each (default 2)")
    parser.add_argument("--limit", type=int, help="MB of data that the server may have")
    parser.add_argument("--leave", type=float, default=150.0, help="seconds to wait at the end")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    try:
        found = measure(options.visitors, options.rounds, options.limit, options.leave)
    except (RuntimeError, PageError) as error:
        print(error, file=sys.stderr)
        return 1
    result = {"megabytes": found, "limit": options.limit, "hardware": hardware()}
    print(json.dumps(result, indent=2) if options.json else table(found))
    return 0


def measure(
    visitors: int, rounds: int, limit: int | None = None, leave: float = 0.0
) -> dict[str, int]:
    """Measure the server's memory, in MB, by the moment.

    Args:
        visitors: At the same time, after the first.
        rounds: How often each opens all pages.
        limit: MB of data that the server may have; None: no limit.
        leave: Seconds to wait after they have left.

    Raises:
        PageError: A page was not shown.
        RuntimeError: The server did not start, or has no /proc.
    """

    def walks(visitor: Visitor, number: int) -> None:
        for _ in range(rounds):
            walk(visitor, number)

    with running_app(limit=None if limit is None else limit * MB) as server:
        found = {"started": resident(server.pid)}
        with Visitor(server.url) as first:
            first.open("")
            # The warm-up begins a moment after the page, and torch is the first that it fetches.
            wait_until(lambda: _has_torch(server.pid), 120, "The server does not warm up.")
            for page in NEED_TORCH:  # or a slow disk, still reading a library, looks like rest
                first.open(page)
            rest(server.pid)
            found["warmed up"] = resident(server.pid)
            found["peak of the warm-up"] = peak(server.pid)
        class_of(server.url, visitors, walks)
        rest(server.pid)
        found[f"{visitors} visitors, all pages"] = resident(server.pid)
        time.sleep(leave)
        found[f"{leave:.0f} s after they left"] = resident(server.pid)
        found["peak"] = peak(server.pid)
    return found


def resident(pid: int) -> int:
    """Return a process's resident memory in MB."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> int:
    """Return the most resident memory that a process has had, in MB."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        raise RuntimeError(
            "The server is gone, or this is not Linux: its memory cannot be read."
        ) from None
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"The server has ended: there is no {name} of process {pid}.")
    return int(found[1]) * 1024 // MB


def rest(pid: int, patience: float = 120.0) -> None:
    """Wait until a process has hardly worked for some seconds.

    Raises:
        RuntimeError: It works on and on, or has ended.
    """
    wait_until(lambda: _share_of_a_core(pid) < 0.1, patience, "The server does not come to rest.")


def _has_torch(pid: int) -> bool:
    return "libtorch" in Path(f"/proc/{pid}/maps").read_text()


def _share_of_a_core(pid: int) -> float:
    before = cpu_seconds(pid)
    time.sleep(_QUIET)
    return (cpu_seconds(pid) - before) / _QUIET


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, in seconds.

    Raises:
        RuntimeError: It has ended.
    """
    return _ticks(pid) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        raise RuntimeError("The server has ended.") from None
    return int(fields[11]) + int(fields[12])  # in user mode and in the kernel


def wait_until(true: Callable[[], bool], patience: float, problem: str) -> None:
    """Ask again and again, for some seconds.

    Raises:
        RuntimeError: ``problem``; it did not become true.
    """
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(problem)
        time.sleep(0.05)


def table(found: dict[str, int]) -> str:
    """Format what :func:`measure` returns for people."""
    return "\n".join(f"{moment:36} {megabytes:6,} MB" for moment, megabytes in found.items())


if __name__ == "__main__":
    sys.exit(main())
