"""How long from a click on a sample to the answer on the screen.

``python -m training.benchmarks.pages.samples_page`` starts the app, opens the page "Digits" or
"Objects" in a headless Chromium and clicks samples in a random order. The clock is the page's own:
it starts at the click and stops when the frame that shows the new answer has been painted. The
strip of samples asks for the answer itself; the page's run comes after it.
"""

from __future__ import annotations

import random
import sys
from typing import Any

from training.benchmarks.pages import clock, page_wait
from zoo.command_parser import CommandParser

FIRST = 10  # samples of the strip among which is clicked


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark from the command line; return the exit code."""
    parser = CommandParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", choices=("digits", "objects"), default="objects")
    return page_wait.run(
        parser, arguments, "clicks", lambda url, options: measure(url, options.page, options.clicks)
    )


def measure(url: str, name: str, clicks: int) -> page_wait.Result:
    """Click samples and time their answers.

    Args:
        url: Address of the app.
        name: ``"digits"`` or ``"objects"``.
        clicks: How many to time, after some that are not.

    Returns:
        See :func:`training.benchmarks.pages.page_wait.summary`; and the page.
    """
    with page_wait.browser_page(f"{url}/{name}") as page:
        page.wait_for_selector(".strip button[aria-pressed=true]", timeout=60_000)
        page.wait_for_timeout(5000)  # the warm-up thread and the first frames
        rng = random.Random(0)
        waits = [_click(page, rng) for _ in range(clicks + page_wait.WARM_UP)]
        question = "How long from a click on a sample to the painted answer?"
        return page_wait.summary("samples_page", question, waits, page) | {"page": name}


def _click(page: Any, rng: random.Random) -> clock.Wait:
    """Click any of the first samples but the chosen one."""
    others = page.locator(".strip button[aria-pressed=false]")
    button = others.nth(rng.randrange(min(FIRST - 1, others.count())))
    button.scroll_into_view_if_needed()
    waited = clock.timed(
        page, button.click, ".strip", "click", ".answer", "data-live",
        picture=".answer img", message="live/sample",
    )  # fmt: skip
    page.wait_for_timeout(700)  # the run, with what stands below
    return waited


if __name__ == "__main__":
    sys.exit(main())
