"""How long a visitor waits: from the end of a stroke to the answer on the screen.

``python -m training.benchmarks.pages.digits_page`` starts the app, opens the digits page in a
headless Chromium, draws, and reports the median and the 95th percentile. The clock is the page's
own: it starts at the pointerup event and stops when the frame that shows the new answer has been
painted, so it contains the PNG of the drawing, both ways, preparation, network and rendering;
`clock` says which part is what. The pad asks for the answer itself; the page's run, which brings
what is below, comes after it. ``network`` is what the answer itself says that the network took.
"""

from __future__ import annotations

import random
import re
import sys
from typing import Any

from training.benchmarks.pages import clock, page_wait
from zoo.command_parser import CommandParser

_TOOK = re.compile(r"Answered in ([\d.]+)\s(ms|s) by")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark from the command line; return the exit code."""
    parser = CommandParser(description=__doc__.splitlines()[0])
    return page_wait.run(
        parser, arguments, "strokes", lambda url, options: measure(url, options.strokes)
    )


def measure(url: str, strokes: int) -> page_wait.Result:
    """Draw on the digits page and time the answers.

    Args:
        url: Address of the app.
        strokes: How many strokes to time, after some that are not.

    Returns:
        See :func:`training.benchmarks.pages.page_wait.summary`.
    """
    with page_wait.browser_page(f"{url}/digits") as page:
        page.wait_for_selector(".pad canvas", timeout=60_000)
        page.wait_for_timeout(3000)  # the warm-up thread and the first frames
        box = page.locator(".pad canvas").bounding_box()
        assert box
        rng = random.Random(0)
        waits, networks = [], []
        for number in range(strokes + page_wait.WARM_UP):
            waits.append(_stroke(page, box, rng, number))
            networks.append(network_ms(page.locator(".answer .rest").inner_text()))
        question = "How long from the end of a stroke to the painted answer?"
        result = page_wait.summary("digits_page", question, waits, page)
        result["parts"][clock.NETWORK] = page_wait.spread(networks[page_wait.WARM_UP :])
        return result


def network_ms(said: str) -> float:
    """Return the milliseconds that an answer on the page says it took.

    Raises:
        RuntimeError: It says nothing of the kind.
    """
    found = _TOOK.search(said)
    if found is None:
        raise RuntimeError(f"The page does not say how long the network took: {said[:80]!a}.")
    return float(found[1]) * (1000 if found[2] == "s" else 1)


def _stroke(page: Any, box: dict[str, float], rng: random.Random, number: int) -> clock.Wait:
    """Draw one stroke of a hand's length and speed; clear the pad after every third."""
    if number % 3 == 0:
        page.locator(".pad [data-do=clear]").click()
        page.wait_for_timeout(600)

    def draw() -> None:
        x, y = (rng.uniform(0.3, 0.7) for _ in range(2))
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        page.mouse.down()
        for _ in range(12):
            x = min(max(x + rng.uniform(-0.08, 0.08), 0.15), 0.85)
            y = min(max(y + rng.uniform(-0.08, 0.08), 0.15), 0.85)
            page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        page.mouse.up()

    waited = clock.timed(
        page, draw, ".pad canvas", "pointerup", ".answer", "data-live",
        picture=".answer img", message="live/digit",
    )  # fmt: skip
    page.wait_for_timeout(400)  # a hand pauses too; the maps below are drawn meanwhile
    return waited


if __name__ == "__main__":
    sys.exit(main())
