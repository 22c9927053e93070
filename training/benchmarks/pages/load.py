"""A class of students: how long does each wait, and what does the server need?

``python -m training.benchmarks.pages.load --sessions 30 --seconds 300`` starts the app and lets so
many sessions act at once, each every 2 to 6 seconds: it opens a page, clicks a sample image or
turns a switch, as the page offers. They speak Streamlit's own protocol (`visitors`), so that they
cost little beside the server. A run is timed from the message that asks for it to the message that
says it is finished; what it shows comes before that. The result is ``zoo/experiments/load.json``:
p50 and p95 by page, errors, and the server's cores and memory over time.

Rows, one a number of sessions and page ("all": of all; "clicks": what was clicked on any page):

- ``sessions``; ``page``; ``n``: runs; ``p50_s``, ``p95_s``: seconds; ``kb_a_run``: the server sent,
  images and scripts included.
- ``errors``, ``cores``, ``memory_mb`` (the most), ``growth_mb_a_minute`` (of the memory, in the
  second half of the time; 0 is flat): of all pages together.
"""

from __future__ import annotations

import random
import statistics
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.benchmarks.pages.memory import cpu_seconds, resident, rest
from training.benchmarks.pages.page_wait import Server, running_app
from training.benchmarks.pages.visitors import PAGES, Control, PageError, Visitor, controls
from training.engine.provenance import EXPERIMENTS, provenance, write_experiment
from zoo.command_parser import CommandParser

QUESTION = "How long does each of a class of students wait, and what does the server need?"
LIMITS = (
    "Server and visitors on the same cores of one machine. The visitors keep messages and images "
    "as a browser does, but fetch neither Streamlit's own scripts nor fonts, and draw nothing."
)
PAUSE = (2.0, 6.0)  # seconds between a session's actions
NEW_PAGE = 0.4  # share of the actions that open another page, where there is something to click
STEP = 1.0  # seconds between two looks at the server
KEPT = 5.0  # seconds that one entry of the record stands for


@dataclass(frozen=True)
class PageRun:
    """One run of a page.

    Attributes:
        page: Its address.
        opened: Whether the page was opened; else something on it was clicked.
        seconds: From the request to the end of the run.
        received: Bytes that the server sent, those of images and scripts included.
    """

    page: str
    opened: bool
    seconds: float
    received: int


@dataclass
class Findings:
    """What a class found, and what the server needed: (seconds, cores, MB) now and then."""

    runs: list[PageRun] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    server: list[tuple[float, float, int]] = field(default_factory=list)


def measure(
    server: Server,
    sessions: int,
    seconds: float,
    pause: tuple[float, float] = PAUSE,
    pages: Sequence[str] = PAGES,
) -> Findings:
    """Let sessions act on a running app.

    Args:
        server: The app.
        sessions: How many at once.
        seconds: For how long.
        pause: Seconds between a session's actions, from and to.
        pages: Addresses of the pages that they visit.
    """
    found = Findings()
    end = time.monotonic() + seconds
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(server.pid, found, done), daemon=True)
    watch.start()
    try:
        with ThreadPoolExecutor(sessions) as pool:
            all_done = [
                pool.submit(_act, server.url, number, end, pause, pages, found)
                for number in range(sessions)
            ]
            for one in all_done:
                one.result()
    finally:
        done.set()
        watch.join()
    return found


def _act(
    url: str,
    number: int,
    end: float,
    pause: tuple[float, float],
    pages: Sequence[str],
    found: Findings,
) -> None:
    """Be one session until the end; its choices are the same in every measurement."""
    draw = random.Random(number)
    time.sleep(draw.uniform(0, pause[0]))  # a class does not come through the door at once
    with ExitStack() as stack:
        visitor: Visitor | None = None
        page, offered = pages[number % len(pages)], list[Control]()
        while time.monotonic() < end:
            try:
                visitor = visitor or stack.enter_context(Visitor(url))
                opens = not offered or draw.random() < NEW_PAGE
                page = draw.choice(pages) if opens and offered else page
                before, start = visitor.received, time.monotonic()
                messages = visitor.open(page) if opens else visitor.click(draw.choice(offered))
                seconds = time.monotonic() - start
                visitor.look(messages)
                found.runs.append(PageRun(page, opens, seconds, visitor.received - before))
                offered = controls(messages) or ([] if opens else offered)
                page = page if offered else draw.choice(pages)
            except (PageError, OSError) as error:
                found.errors.append(str(error))
                visitor, offered = None, []
            time.sleep(max(0.0, min(draw.uniform(*pause), end - time.monotonic())))


def _watch(pid: int, found: Findings, done: threading.Event) -> None:
    start = last = time.monotonic()
    used = cpu_seconds(pid)
    while not done.wait(STEP):
        now, total = time.monotonic(), cpu_seconds(pid)
        found.server.append((now - start, (total - used) / (now - last), resident(pid)))
        last, used = now, total


def summary(found: Findings) -> dict[str, Any]:
    """Return the findings as JSON: a row a page, and the server's needs.

    Raises:
        RuntimeError: Nothing was measured.
    """
    if not found.runs:
        raise RuntimeError(f"No run of a page was finished: {(found.errors or ['none began'])[0]}")
    pages = sorted({run.page for run in found.runs})
    cores = [cores for _, cores, _ in found.server] or [0.0]
    memory = [megabytes for _, _, megabytes in found.server] or [0]
    return {
        "all": _row(found.runs),
        "pages": {
            page or "overview": _row([r for r in found.runs if r.page == page]) for page in pages
        },
        "clicks": _row([run for run in found.runs if not run.opened]),
        "errors": found.errors,
        "server": {
            "cores": round(statistics.fmean(cores), 2),
            "memory_mb": {"first": memory[0], "most": max(memory), "last": memory[-1]},
            "growth_mb_a_minute": round(growth(found.server), 1),
            "over_time": over_time(found.server),
        },
    }


def over_time(server: Sequence[tuple[float, float, int]], every: float = KEPT) -> list[Any]:
    """Return what the server needed, an entry a stretch of time: mean of the cores, most memory."""
    found: dict[int, list[tuple[float, float, int]]] = {}
    for look in server:
        found.setdefault(int(look[0] // every), []).append(look)
    return [
        {
            "seconds": round(looks[-1][0]),
            "cores": round(statistics.fmean(cores for _, cores, _ in looks), 2),
            "memory_mb": max(megabytes for _, _, megabytes in looks),
        }
        for looks in found.values()
    ]


def growth(server: Sequence[tuple[float, float, int]]) -> float:
    """Return the slope of the memory, in MB a minute, over the second half of the time.

    The first half is left out: what is computed once, for all visitors, fills up in it.
    """
    late = [(at / 60, megabytes) for at, _, megabytes in server if 2 * at >= server[-1][0]]
    if len({at for at, _ in late}) < 2:
        return 0.0
    return statistics.linear_regression(*zip(*late, strict=True)).slope


def _row(runs: Sequence[PageRun]) -> dict[str, Any]:
    if not runs:
        return {"n": 0}
    seconds = sorted(run.seconds for run in runs)
    return {
        "n": len(runs),
        "p50_s": round(statistics.median(seconds), 3),
        "p95_s": round(seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))], 3),
        "kb_a_run": round(statistics.fmean(run.received for run in runs) / 1000, 1),
    }


def table(result: dict[str, Any]) -> str:
    """Format one result for people."""
    lines = ["page               n   p50 s   p95 s   kB"]
    for name, row in [
        *result["pages"].items(),
        ("clicks", result["clicks"]),
        ("all", result["all"]),
    ]:
        if row["n"]:
            values = f"{row['p50_s']:7.2f} {row['p95_s']:7.2f} {row['kb_a_run']:7.0f}"
            lines.append(f"{name:16} {row['n']:5} {values}")
    server = result["server"]
    memory = server["memory_mb"]
    lines.append(
        f"{len(result['errors'])} errors; the server used {server['cores']:.2f} cores and "
        f"{memory['first']:,} to {memory['most']:,} MB"
    )
    minutes = [one["memory_mb"] for one in server["over_time"]][:: round(60 / KEPT)]
    lines.append(
        f"its memory, minute by minute: {' '.join(map(str, minutes))} MB; "
        f"{server['growth_mb_a_minute']:+.1f} MB a minute in the second half"
    )
    return "\n".join(lines)


def rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the table's rows of one number of sessions."""
    server = result["server"]
    common = {
        "errors": len(result["errors"]),
        "cores": server["cores"],
        "memory_mb": server["memory_mb"]["most"],
        "growth_mb_a_minute": server["growth_mb_a_minute"],
    }
    parts = {"all": result["all"], **result["pages"], "clicks": result["clicks"]}
    return [
        {"sessions": result["sessions"], "page": page} | row | common
        for page, row in parts.items()
        if row["n"]
    ]


def finding(table: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence what the table shows."""
    told = ", ".join(
        f"{row['sessions']}: {row['p50_s']:.2f} and {row['p95_s']:.2f} s"
        for row in table
        if row["page"] == "all"
    )
    errors = sum(row["errors"] for row in table if row["page"] == "all")
    most = max(table, key=lambda row: row["sessions"])
    return (
        f"Median and 95th percentile of a run by sessions at once: {told}; with "
        f"{most['sessions']} the server took {most['cores']:.1f} cores and {most['memory_mb']:,} "
        f"MB, {most['growth_mb_a_minute']:+.1f} MB a minute; {errors} errors."
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark from the command line; return the exit code."""
    parser = CommandParser(prog="python -m training.benchmarks.pages.load", description=QUESTION)
    parser.add_argument("--sessions", type=int, nargs="+", default=[30], help="default 30")
    parser.add_argument("--seconds", type=float, default=300, help="for each (default 300)")
    parser.add_argument("--folder", type=Path, default=EXPERIMENTS, metavar="DIR")
    options = parser.parse_args(arguments)
    record = provenance(["streamlit"]) | {"pause_s": PAUSE, "seconds": options.seconds}
    found: list[dict[str, Any]] = []
    try:
        for sessions in options.sessions:
            with running_app() as server:
                with Visitor(server.url) as first:
                    for page in PAGES:
                        first.open(page)
                rest(server.pid)  # the warm-up is over
                result = summary(measure(server, sessions, options.seconds))
            found.append({"sessions": sessions} | result)
            print(f"{sessions} sessions\n{table(result)}", flush=True)
            everything = [row for one in found for row in rows(one)]
            path = write_experiment(
                "load", question=QUESTION, finding=finding(everything), rows=everything,
                record=record, seeds=[0], folder=options.folder, limits=LIMITS,
                over_time={one["sessions"]: one["server"]["over_time"] for one in found},
                messages=sorted({error for one in found for error in one["errors"]}),
            )  # fmt: skip
    except (RuntimeError, PageError) as error:
        print(error, file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
