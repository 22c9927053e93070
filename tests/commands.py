"""Run a command of the project as a shell would, in this process: an import of torch is seconds."""

from __future__ import annotations

import io
import runpy
import signal
import subprocess
import traceback
from unittest import mock


def run(module: str, *arguments: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
    """Run ``python -m module arguments`` from its first line to its exit.

    Args:
        module: Name of a package with a ``__main__``, or of a module.
        arguments: The command line.
        encoding: The terminal's; what it lacks is an error, unless the command sees to it.

    Returns:
        What :func:`subprocess.run` would; a traceback stands at the end of ``stderr``.
    """
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
    before = signal.getsignal(signal.SIGTERM)
    code = 0
    with (
        mock.patch("sys.stdout", out), mock.patch("sys.stderr", err),
        mock.patch("sys.argv", [module, *arguments]),
    ):  # fmt: skip
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:
            traceback.print_exc()
            code = 1
        finally:
            signal.signal(signal.SIGTERM, before)
    said = []
    for stream in (out, err):
        stream.flush()
        said.append(stream.buffer.getvalue().decode(encoding))  # type: ignore[attr-defined]
    return subprocess.CompletedProcess([module, *arguments], code, *said)
