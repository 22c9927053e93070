"""How long from a click on a layer of the page "Feature maps" to the image of its maps.

``python -m training.benchmarks.pages.feature_maps_page`` starts the app, opens the page in a
headless Chromium and clicks layers of a network in a random order. The clock is the page's own: it
starts at the click and stops when the frame that shows the new image has been painted, so it
contains both ways, the drawing and the decoding. The diagram asks for the image itself; the page's
run, which brings what belongs to the layer, comes after it.
"""

from __future__ import annotations

import random
import sys
from typing import Any

from training.benchmarks.pages import clock, page_wait
from zoo.command_parser import CommandParser

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark from the command line; return the exit code."""
    parser = CommandParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="Digits", help="the network's title (default Digits)")
    return page_wait.run(
        parser,
        arguments,
        "clicks",
        lambda url, options: measure(url, options.model, options.clicks),
    )


def measure(url: str, model: str, clicks: int) -> page_wait.Result:
    """Click layers and time their images.

    Args:
        url: Address of the app.
        model: Title of the network to look into.
        clicks: How many to time, after some that are not.

    Returns:
        See :func:`training.benchmarks.pages.page_wait.summary`; and the model.
    """
    with page_wait.browser_page(f"{url}/feature_maps") as page:
        page.wait_for_selector(".steps section", timeout=60_000)
        page.wait_for_timeout(3000)  # the warm-up thread and the first frames
        _open(page, model)
        rng = random.Random(0)
        waits = [_click(page, rng) for _ in range(clicks + page_wait.WARM_UP)]
        question = "How long from a click on a layer to the painted image of its maps?"
        return page_wait.summary("feature_maps_page", question, waits, page) | {"model": model}


def _open(page: Any, model: str) -> None:
    """Choose the network, unless it is the one that the page shows."""
    choice = page.get_by_test_id("stMain").get_by_role("radio", name=model, exact=True)
    if choice.count() and not choice.is_checked():
        choice.click()
        page.wait_for_timeout(3000)
        page.wait_for_selector(IDLE, timeout=60_000)


def _click(page: Any, rng: random.Random) -> clock.Wait:
    """Click any block of the diagram but the chosen one."""
    others = page.locator(".diagram .block[aria-pressed=false]")
    block = others.nth(rng.randrange(others.count()))
    waited = clock.timed(
        page, block.click, ".net", "click", ".cells img", "src",
        picture=".cells img", message="live/maps",
    )  # fmt: skip
    page.wait_for_selector(IDLE)
    page.wait_for_timeout(250)
    return waited


if __name__ == "__main__":
    sys.exit(main())
