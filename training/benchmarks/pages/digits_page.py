"""How long a visitor waits: from the end of a stroke to the answer on the screen.

``python -m training.benchmarks.pages.digits_page`` starts the app, opens the digits page in a
headless Chromium, draws, and reports the median and the 95th percentile. The clock is the page's
own: it starts at the pointerup event and stops when the frame that shows the new answer has been
painted, so it contains the PNG of the drawing, both ways over the websocket, preparation, network
and rendering. In a headless browser a frame lasts 16.7 ms: a wait of up to one frame is included.
"""

from __future__ import annotations

import argparse
import random
import sys
from typing import Any

from training.benchmarks.pages import page_wait


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
        page.wait_for_selector(".pad canvas")
        page.wait_for_timeout(3000)  # the warm-up thread and the first frames
        box = page.locator(".pad canvas").bounding_box()
        assert box
        rng = random.Random(0)
        times = [_stroke(page, box, rng, number) for number in range(strokes + page_wait.WARM_UP)]
        question = "How long from the end of a stroke to the painted answer?"
        return page_wait.summary("digits_page", question, times, page)


def _stroke(page: Any, box: dict[str, float], rng: random.Random, number: int) -> float:
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

    waited = page_wait.timed(page, draw, ".pad canvas", "pointerup", ".answer", "data-number")
    page.wait_for_timeout(400)  # a hand pauses too; the maps below are drawn meanwhile
    return waited


if __name__ == "__main__":
    sys.exit(main())
