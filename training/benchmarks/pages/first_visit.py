"""How long until a page is there: for the first visitor of a fresh server, and for the next one.

``python -m training.benchmarks.pages.first_visit`` starts the app anew for each page and round,
opens the page in a headless Chromium that has never been there, waits, and opens it once more as
somebody else. The clock is the page's own (``performance.now``), from the beginning of the
navigation. The result is ``zoo/experiments/first_visit.json``.

Rows, one a page, visitor and round:

- ``page``: its name; ``visitor``: "first" of a fresh server, or "second", `LATER` seconds after.
- ``heading_s``: until the page's heading stands there; ``finished_s``: until its run is finished;
  ``drawn_s``: until the charts that it has then are drawn.
- ``script_mb``: the JavaScript that came for all that, as it was sent.
- ``start_s``: of the first visitor: from the server's command to the page's heading, in seconds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from training.benchmarks.pages.chromium import launch
from training.benchmarks.pages.page_wait import LIMITS, running_app
from training.benchmarks.pages.visitors import PAGES
from training.engine.failures import TrainingError, run_command
from training.engine.options import positive
from training.experiments import command

NAME = "first_visit"
QUESTION = "How long until a page is there, for the first visitor of a fresh server and the next?"
LATER = 15.0  # seconds between the two visitors
PATIENCE = 120_000  # milliseconds
FINISHED = "[data-testid=stApp][data-test-script-state=notRunning]"
VIEW = {"width": 1280, "height": 900}
# Whether every place that is seen holds what it is for, and every chart is drawn.
DRAWN = """
() => [...document.querySelectorAll("[data-testid=stSkeleton], [data-testid=stPlotlyChart]")]
  .every((place) => !place.checkVisibility() || place.querySelector(".main-svg"))
"""


def visit(browser: Any, address: str) -> dict[str, float]:
    """Open a page as somebody new; return the times, and ``script_mb``.

    Args:
        browser: Playwright's.
        address: of the page.

    Raises:
        playwright.sync_api.Error: the page does not come.
    """
    with browser.new_context(viewport=VIEW) as context:
        page = context.new_page()
        came: list[Any] = []
        page.on("requestfinished", lambda request: came.append(request))
        page.goto(address, wait_until="commit", timeout=PATIENCE)
        found = {}
        for name, selector in (("heading_s", "h1"), ("finished_s", FINISHED)):
            page.wait_for_selector(selector, timeout=PATIENCE)
            found[name] = round(page.evaluate("performance.now()") / 1000, 3)
        page.wait_for_function(DRAWN, timeout=PATIENCE)
        found["drawn_s"] = round(page.evaluate("performance.now()") / 1000, 3)
        scripts = [request for request in came if request.resource_type == "script"]
        bytes_sent = sum(request.sizes()["responseBodySize"] for request in scripts)
        return found | {"script_mb": round(bytes_sent / 1e6, 2)}


def measure(browser: Any, page: str, later: float = LATER) -> Iterator[dict[str, Any]]:
    """Yield the rows of one page and one fresh server."""
    start = time.perf_counter()
    with running_app() as server:
        address = f"{server.url}/{page}"
        begun = time.perf_counter()
        found = visit(browser, address)
        whole = round(begun - start + found["heading_s"], 3)
        yield {"visitor": "first"} | found | {"start_s": whole}
        time.sleep(later)
        yield {"visitor": "second"} | visit(browser, address) | {"start_s": None}


def finding(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in two sentences what the table shows."""

    def of(page: str, visitor: str, column: str) -> float:
        return statistics.median(
            row[column] for row in rows if (row["page"], row["visitor"]) == (page, visitor)
        )

    told = [
        f"{page} {of(page, 'first', 'finished_s'):.1f} and {of(page, 'second', 'finished_s'):.1f}"
        for page in dict.fromkeys(row["page"] for row in rows)
    ]
    begun = statistics.median(row["start_s"] for row in rows if row["start_s"] is not None)
    sent = [row["script_mb"] for row in rows]
    return (
        "Seconds until a page is finished, for the first visitor of a fresh server and "
        f"{LATER:.0f} seconds later: {', '.join(told)}. From the server's command to the first "
        f"heading it takes {begun:.1f} seconds. A page needs {min(sent):.1f} to {max(sent):.1f} MB "
        "of JavaScript."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    from playwright.sync_api import Error, sync_playwright

    parser = command.parser(QUESTION, data=False)
    parser.add_argument("--rounds", type=positive, default=3, help="fresh servers (default 3)")
    parser.add_argument("--pages", nargs="+", default=list(PAGES), help="default: all")
    options = parser.parse_args(arguments)
    study = command.Study(NAME, QUESTION, options, ("streamlit",))
    rows: list[dict[str, Any]] = []
    try:
        with sync_playwright() as driver:
            browser = launch(driver)
            for number in range(options.rounds):
                for page in options.pages:
                    named = {"page": page.replace("_", " ") or "overview", "round": number}
                    rows += [named | row for row in measure(browser, page)]
                    print(rows[-2], rows[-1], flush=True)
            browser.close()
    except (RuntimeError, Error) as error:
        raise TrainingError(str(error)) from None
    return study.conclude(rows, finding(rows), [0], limits=LIMITS)


if __name__ == "__main__":
    run_command(main)
