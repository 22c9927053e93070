"""Commands in processes of their own, to be killed or to be several, without an import each.

Python's fork server imports once what takes seconds; each process is a fork of it, which has not
computed anything yet.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import socket
import sys
from multiprocessing.context import ForkServerProcess
from types import ModuleType

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["training.cifar10.cifar10_recipe", "training.carvana.carvana_recipe", "training.finish"]
)


def start(module: str, *arguments: str, **environment: str) -> ForkServerProcess:
    """Start ``python -m module arguments``; return the process.

    Args:
        module: Name of a package with a ``__main__``, or of a module.
        arguments: The command line.
        environment: What it finds in its environment besides.
    """
    process = _CONTEXT.Process(target=_work, args=(module, arguments, environment), daemon=True)
    # Python runs the main module's file in the process first. Here that may be a page's script,
    # which Streamlit put there when another test ran it.
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        process.start()
    finally:
        sys.modules["__main__"] = main
    return process


def run(module: str, *arguments: str, **environment: str) -> int:
    """Run ``python -m module arguments``; return its exit code."""
    return ended(start(module, *arguments, **environment))


def run_together(count: int, module: str, *arguments: str) -> list[int]:
    """Run a command in several processes, as ``torchrun`` does; return their exit codes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(count)}
    numbers = [str(number) for number in range(count)]
    started = [start(module, *arguments, RANK=n, LOCAL_RANK=n, **shared) for n in numbers]
    return [ended(process) for process in started]


def ended(process: ForkServerProcess) -> int:
    """Wait for a process; return its exit code, minus the signal's number if that ended it."""
    process.join(300)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError("The process did not end.")
    return process.exitcode


def _work(module: str, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    os.environ.update(environment)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
