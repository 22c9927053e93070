"""What the benchmarks of the pages share: the running app, the clock, options and result."""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.benchmarks.pages.chromium import launch
from training.benchmarks.pages.clock import BESIDE, IMAGE, PARTS, Wait, watched
from training.engine.provenance import hardware, provenance, write_experiment

ROOT = Path(__file__).parents[3]
WARM_UP = 3  # actions before those that are timed
LIMITS = "Server and headless browser share the cores of one machine; a hand is imitated."
Result = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A running app: its address, and its process."""

    url: str
    pid: int


@contextmanager
def app(streamlit: Sequence[str] = ("-m", "streamlit")) -> Iterator[str]:
    """Start the app on a free port; yield its address; stop it. As :func:`running_app`."""
    with running_app(streamlit) as server:
        yield server.url


@contextmanager
def running_app(
    streamlit: Sequence[str] = ("-m", "streamlit"),
    limit: int | None = None,
    options: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start the app on a free port; yield it; stop it.

    Args:
        streamlit: What Python runs as Streamlit's command; a test may want it to set something up.
        limit: Bytes of data that the process may have (RLIMIT_DATA); None: no limit.
        options: Streamlit's options, such as ``{"server.maxUploadSize": "1"}``.

    Raises:
        RuntimeError: The app did not start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {
        "server.port": str(port),
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
    } | dict(options or {})
    flags = [f"--{name}={value}" for name, value in given.items()]
    command = [sys.executable, *streamlit, "run", "app.py", *flags]
    if limit is not None:
        command = ["prlimit", f"--data={limit}", *command]  # which becomes the command
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{url}/_stcore/health", process)
        yield Server(url, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _wait(health: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(health, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The app did not start; run `streamlit run app.py` to see why.")


@contextmanager
def browser_page(address: str) -> Iterator[Any]:
    """Open an address in a headless Chromium; yield Playwright's page; close the browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            watched(page)
            page.goto(address)
            yield page
        finally:
            browser.close()


def summary(benchmark: str, question: str, waits: Sequence[Wait], page: Any) -> Result:
    """Return the times in milliseconds, in order, where they went, and what they were measured on.

    Args:
        benchmark: Name of the module.
        question: What it answers.
        waits: Those of the first :data:`WARM_UP` actions do not count.
        page: Playwright's page.
    """
    counted = waits[WARM_UP:]
    times = [wait.total for wait in counted]
    sent, came = (statistics.fmean(wait.kilobytes[way] for wait in counted) for way in (0, 1))
    return {
        "benchmark": benchmark,
        "question": question,
        "milliseconds": [round(ms, 1) for ms in times],
        "n": len(times),
        **spread(times),
        "parts": {part: spread([wait.parts[part] for wait in counted]) for part in (*PARTS, IMAGE)},
        "kb_sent": round(sent, 1),
        "kb_received": round(came, 1),
        "hardware": hardware(),
        "browser": f"headless Chromium {page.context.browser.version}",
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the 95th percentile of times in milliseconds."""
    high = (
        statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
    )
    return {"median_ms": round(statistics.median(values), 1), "p95_ms": round(high, 1)}


def run(
    parser: argparse.ArgumentParser,
    arguments: list[str] | None,
    count: str,
    measure: Callable[[str, argparse.Namespace], Result],
) -> int:
    """Run a benchmark from the command line; return the exit code.

    Args:
        parser: With the benchmark's own options.
        arguments: The command line; None: ``sys.argv``.
        count: What is counted, in the plural: ``"strokes"`` gives the option ``--strokes``.
        measure: Takes the app's address and the options; returns :func:`summary`.
    """
    parser.add_argument(f"--{count}", type=int, default=40, help=f"{count} to time (default 40)")
    parser.add_argument("--url", help="a running app, instead of starting one")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="write an experiment there")
    options = parser.parse_args(arguments)
    record = provenance(["streamlit"])
    if getattr(options, count) < 1:
        parser.error(f"--{count} must be at least 1.")
    try:
        if options.url:
            result = measure(options.url, options)
        else:
            with app() as url:
                result = measure(url, options)
    except RuntimeError as error:  # no Chromium, or the app did not start: a sentence says so
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(result, indent=2) if options.json else table(result, count))
    if options.folder:
        print(_written(result, record, options.folder))
    return 0


def _written(result: Result, record: Mapping[str, Any], folder: Path) -> Path:
    """Write a result as the experiment of its benchmark's name: a row a part, "all" the first."""
    whole = {key: result[key] for key in ("median_ms", "p95_ms")}
    rows = [
        {"part": part} | values | {"n": result["n"]}
        for part, values in {"all": whole, **result["parts"]}.items()
    ]
    return write_experiment(
        result["benchmark"], question=result["question"], rows=rows, record=record, seeds=[0],
        finding=f"Median {result['median_ms']:.0f} ms, 95th percentile {result['p95_ms']:.0f} ms.",
        folder=folder, browser=result["browser"], limits=LIMITS,
        parts=PARTS | BESIDE, kb_sent=result["kb_sent"], kb_received=result["kb_received"],
    )  # fmt: skip


def table(result: Result, count: str) -> str:
    """Format a result of :func:`summary` for people; ``count`` says what its n counts."""
    compute, notes = result["hardware"], PARTS | BESIDE
    parts = [
        f"    {name:7} {part['median_ms']:7.1f} {part['p95_ms']:7.1f}  {notes[name]}"
        for name, part in result["parts"].items()
    ]
    return "\n".join(
        [
            result["question"],
            f"  n       {result['n']} {count}",
            f"  median  {result['median_ms']:.1f} ms",
            f"  p95     {result['p95_ms']:.1f} ms",
            f"  min     {min(result['milliseconds']):.1f} ms",
            f"  max     {max(result['milliseconds']):.1f} ms",
            "  where it goes, median and p95 in ms:",
            *parts,
            f"  sent    {result['kb_sent']:.1f} kB, received {result['kb_received']:.1f} kB",
            f"  on      {compute['cpu']}, {compute['cores']} cores for server and browser together",
            f"          {result['browser']}",
        ]
    )
