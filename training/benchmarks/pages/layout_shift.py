"""How far a page's parts move while it loads: ``python -m training.benchmarks.pages.layout_shift``.

The browser's own measure, the sum of layout shifts (share of the window that moves × how far), on
each page, wide and narrow. Streamlit's side bar pushes everything aside once, when it opens; what
moves aside only, and not up or down, is counted as its own.

What a slow machine shows is measured on a fast one: Streamlit fetches the code of most elements
when the first of their kind is drawn, and until then there is a gray bar in their place. Here all
of that code comes when the page is finished.
"""

from __future__ import annotations

import functools
import json
import re
import sys
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Route, sync_playwright

from training.benchmarks.pages import page_wait
from training.benchmarks.pages.chromium import launch
from zoo.command_parser import CommandParser

WIDTHS = (1280, 390)
FIRST = "overview"  # whose address is the app's own
FOLDER = Path(__file__).parents[3] / "pages"
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
QUIET = 2500  # milliseconds after the page is idle: charts are drawn late

_TWO_FRAMES = """
() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
"""
_WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    const moved = entry.sources.map((s) => ({
      down: s.node?.parentElement?.closest('[data-testid=stSidebar]')
        ? 0 : s.currentRect.y - s.previousRect.y,
      node: s.node?.closest?.('[class*=st-key-]')?.className.match(/st-key-[\\w-]+/)?.[0]
        ?? s.node?.getAttribute?.('data-testid') ?? s.node?.nodeName ?? '',
    }));
    shifts.push({ value: entry.value, aside: moved.every((m) => Math.abs(m.down) < 1), moved });
  }
}).observe({ type: 'layout-shift', buffered: true });
"""


def main(arguments: list[str] | None = None) -> int:
    """Measure all pages; return the exit code."""
    parser = CommandParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="a running app, instead of starting one")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--page", action="append", help="only this page; may be repeated")
    options = parser.parse_args(arguments)
    try:
        if options.url:
            rows = measure(options.url, options.page)
        else:
            with page_wait.app() as url:
                rows = measure(url, options.page)
    except RuntimeError as error:  # no Chromium, or the app did not start: a sentence says so
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(rows, indent=2) if options.json else table(rows))
    return 0


def measure(url: str, only: list[str] | None = None) -> list[dict[str, Any]]:
    """Open each page in each width; return one row a visit.

    Args:
        url: Address of the app.
        only: Names of pages; None: all.
    """
    rows = []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        try:
            for page in only or names():
                for width in WIDTHS:
                    address = f"{url}/{'' if page == FIRST else page}"
                    rows.append({"page": page, "width": width} | visit(browser, address, width))
        finally:
            browser.close()
    return rows


def names() -> list[str]:
    """Return every page's name: a flat file each, which is how Streamlit addresses them."""
    return sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


def visit(browser: Any, address: str, width: int) -> dict[str, Any]:
    """Open a page; return its shifts, and what moved most, and how far down.

    Args:
        browser: Playwright's.
        address: of the page.
        width: of the window, in CSS pixels.
    """
    page = browser.new_page(viewport={"width": width, "height": 900})
    try:
        page.set_default_timeout(120_000)
        late = Late()
        late.watch(page)
        page.goto(address)
        page.wait_for_selector(IDLE)
        late.come(page)
        page.wait_for_timeout(QUIET)
        page.wait_for_selector(IDLE)
        return found(page)
    finally:
        page.close()


def watch(page: Any) -> None:
    """Let a page of Playwright note its shifts, from the next address on that it opens."""
    page.add_init_script(_WATCH)


def found(page: Any) -> dict[str, Any]:
    """Return the shifts of a watched page until now, and what moved most, and how far down."""
    shifts = page.evaluate("shifts")
    own = sorted((s for s in shifts if not s["aside"]), key=lambda s: -s["value"])
    first = own[0]["moved"] if own else []
    return {
        "side_bar": round(sum(s["value"] for s in shifts if s["aside"]), 3),
        "page_itself": round(sum(s["value"] for s in own), 3),
        "largest": sorted({f"{m['node']} {m['down']:+.0f} px" for m in first})[:3],
    }


class Late:
    """The code of the elements, which is held back until the page is finished."""

    def __init__(self) -> None:
        self._held: list[Route] | None = []

    def watch(self, page: Any) -> None:
        """Watch a page, as `watch` does, and keep the code of its elements waiting."""
        watch(page)
        page.route("**/static/js/*.js", self._ask)

    def _ask(self, route: Route) -> None:
        folder, _, name = route.request.url.rpartition("/")
        if self._held is None or name in _at_once(folder):
            route.continue_()
        else:
            self._held.append(route)

    def come(self, page: Any) -> None:
        """Once the page is drawn without it, hand on what waits, and from now on everything."""
        page.evaluate(_TWO_FRAMES)
        held, self._held = self._held or [], None
        for route in held:
            route.continue_()


@functools.cache
def _at_once(folder: str) -> frozenset[str]:
    """Return the scripts without which there is no page: those that its HTML names, and theirs."""
    found: set[str] = set()
    home = _read(f"{folder.partition('/static/')[0]}/")
    new = set(re.findall(r"static/js/([\w.-]+\.js)", home))
    while new:
        found |= new
        texts = [_read(f"{folder}/{name}") for name in new]
        # What is imported later is written `./name.js`, in other quotes.
        new = {name for text in texts for name in re.findall(r'"\./([\w.-]+\.js)"', text)} - found
    return frozenset(found)


def _read(address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        return str(answer.read().decode("utf-8"))


def table(rows: list[dict[str, Any]]) -> str:
    """Format the rows for people."""
    lines = [f"{'page':18}{'width':>6}{'side bar':>10}{'itself':>8}  largest"]
    for row in rows:
        lines.append(
            f"{row['page']:18}{row['width']:6}{row['side_bar']:10.3f}{row['page_itself']:8.3f}  "
            f"{', '.join(row['largest'])}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
