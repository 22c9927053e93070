"""Make docs/tour.webp, ten seconds of the real app: ``python -m tests.browser.tour``.

A digit is drawn and read, then the threshold of a car's mask is moved. Every frame is one
screenshot after one small step, shown for the time that the step takes a person: however slow the
machine, nothing jerks. The pointer is drawn in, which a screenshot does not show.
"""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser import pad
from training.benchmarks.pages import chromium
from training.benchmarks.pages.page_wait import app

PATH = Path(__file__).parents[2] / "docs" / "tour.webp"
SIZE = {"width": 1100, "height": 640}
STEP, REST = 70, 1600  # milliseconds a frame shows while something moves, and when it stands still
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
# More room for what the tour is about.
STYLE = """
[data-testid=stSidebar], [data-testid=stHeader] { display: none }
[data-testid=stMainBlockContainer] { padding-top: 1.5rem }
"""
POINTER = [(0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12)]
Spot = tuple[float, float]


class Reel:
    """The frames so far.

    Attributes:
        page: What is filmed.
        frames: The images, RGB.
        times: How long each is shown, in milliseconds.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.frames: list[Image.Image] = []
        self.times: list[int] = []

    def shoot(self, pointer: Spot, time: int = STEP) -> None:
        """Take one frame, with the pointer at a place of the page."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        frame = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        outline = [(pointer[0] + x, pointer[1] + y) for x, y in POINTER]
        ImageDraw.Draw(frame).polygon(outline, fill="#1c1c21", outline="white")
        self.frames.append(frame)
        self.times.append(time)

    def save(self, path: Path) -> None:
        """Write the animation, which begins again at its end."""
        first, *others = self.frames
        first.save(
            path, save_all=True, append_images=others, duration=self.times, loop=0,
            quality=80, method=4, minimize_size=False,
        )  # fmt: skip


def draw_a_digit(reel: Reel) -> None:
    """Film a four being drawn in two strokes, each answered."""
    page = reel.page
    box = pad.canvas(page).bounding_box()
    assert box
    for stroke in pad.FOUR:
        before = pad.number(page)
        spots = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in stroke]
        page.mouse.move(*spots[0])
        page.mouse.down()
        for spot in between(spots, 16):
            page.mouse.move(*spot)
            reel.shoot(spot)
        page.mouse.up()
        pad.wait_for_answer(page, before)
        page.wait_for_timeout(600)  # the bars have grown
        reel.shoot(spots[-1], REST)


def move_a_threshold(reel: Reel) -> None:
    """Film the mask as the threshold goes down, up, and back."""
    page = reel.page
    slider = page.get_by_label("Threshold")
    box = slider.bounding_box()
    assert box
    usual = int(slider.input_value())
    for value in [usual, *sweep(usual, 4), *sweep(4, 97), *sweep(97, usual)]:
        slider.evaluate(
            "(s, v) => { s.value = v; s.dispatchEvent(new Event('input', { bubbles: true })); }",
            str(value),
        )
        thumb = box["x"] + 8 + (box["width"] - 16) * (value - 1) / 98
        reel.shoot((thumb, box["y"] + box["height"] / 2))
    reel.times[-1] = REST


def sweep(first: int, last: int, steps: int = 15) -> list[int]:
    """Return the way between two values, slow at its ends, without the first."""
    ways = [(1 - math.cos(math.pi * i / steps)) / 2 for i in range(1, steps + 1)]
    return [round(first + (last - first) * way) for way in ways]


def between(spots: Sequence[Spot], apart: float) -> Iterator[Spot]:
    """Yield points along a line, at most so many pixels apart."""
    for (x0, y0), (x1, y1) in pairwise(spots):
        steps = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0) / apart))
        for i in range(1, steps + 1):
            yield x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps


def visit(page: Page, address: str) -> None:
    """Open a page of the app and wait until it and its images stand."""
    page.goto(address)
    page.wait_for_selector(IDLE)
    page.add_style_tag(content=STYLE)
    page.wait_for_timeout(3000)


def main() -> int:
    """Write the animation; return the exit code."""
    with app() as url, sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.set_default_timeout(120_000)
        reel = Reel(page)
        visit(page, f"{url}/digits")
        draw_a_digit(reel)
        visit(page, f"{url}/cars")
        expect(page.get_by_label("Threshold")).to_be_visible(timeout=120_000)
        move_a_threshold(reel)
        browser.close()
    reel.save(PATH)
    seconds = sum(reel.times) / 1000
    print(f"{PATH}: {seconds:.1f} s, {len(reel.frames)} frames, {PATH.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
