"""One thread for each process of the tests, and for the servers and commands that they start.

Several tests run at a time, with servers and browsers beside them, on a few cores: threads of
PyTorch and BLAS that wait for each other there take longer than one thread alone. Set before
either is imported.

Ctrl-C too: a shell that starts the tests in the background lets them ignore it, and so would each
program that a test interrupts. What is caught here is not ignored there.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from training.benchmarks.pages.page_wait import Server

os.environ.setdefault("OMP_NUM_THREADS", "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def common_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of these tests share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def hasty_timings() -> Iterator[None]:
    """No rest between two cases of a benchmark, and few repeats: no test reads its milliseconds."""
    from zoo import bench

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "REST", 0.0)
        patch.setattr(bench, "LEAST_SECONDS", 0.001)
        yield


@pytest.fixture(scope="session")
def shared_server(common_folder: Path) -> Iterator[Server]:
    """A running app for all tests that only visit it."""
    from tests.shared_app import shared_app

    with shared_app(common_folder) as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why a test that passed the second time had failed the first time."""
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"first try of {report.nodeid}")
        terminalreporter.write_line(report.longreprtext[-3000:])
