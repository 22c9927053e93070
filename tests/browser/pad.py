"""Drive the drawing pad and read the answer, as a visitor would."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

# Polylines in a square of 1 × 1.
ONE = [[(0.52, 0.2), (0.5, 0.5), (0.48, 0.8)]]
SEVEN = [[(0.28, 0.24), (0.5, 0.23), (0.72, 0.24), (0.6, 0.5), (0.48, 0.82)]]
THREE = [
    [
        *[(0.32, 0.27), (0.4, 0.2), (0.52, 0.18), (0.63, 0.22), (0.66, 0.32), (0.6, 0.43)],
        *[(0.48, 0.48), (0.6, 0.52), (0.69, 0.62), (0.67, 0.74), (0.56, 0.82), (0.42, 0.82)],
        (0.31, 0.75),
    ]
]
FOUR = [
    [(0.34, 0.2), (0.31, 0.4), (0.3, 0.54), (0.5, 0.55), (0.72, 0.54)],
    [(0.64, 0.22), (0.62, 0.5), (0.6, 0.84)],
]


def canvas(page: Page) -> Locator:
    """Return the pad's canvas, in view."""
    found = page.locator(".pad canvas")
    found.scroll_into_view_if_needed()
    return found


def draw(page: Page, strokes: list[list[tuple[float, float]]]) -> None:
    """Draw with the mouse, and wait for the answer after each stroke."""
    box = canvas(page).bounding_box()
    assert box
    for stroke in strokes:
        before = number(page)
        spots = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in stroke]
        page.mouse.move(*spots[0])
        page.mouse.down()
        for spot in spots[1:]:
            page.mouse.move(*spot, steps=2)
        page.mouse.up()
        wait_for_answer(page, before)


def number(page: Page) -> int:
    """Return which answer the page shows."""
    return int(page.locator(".answer").get_attribute("data-number") or 0)


def wait_for_answer(page: Page, before: int) -> None:
    """Wait until the answer is a newer one than ``before``."""
    expect(page.locator(".answer")).not_to_have_attribute("data-number", str(before))


def label(page: Page) -> str:
    """Return the answer, a digit, or "?" where there is none."""
    return page.locator(".answer .label").inner_text()


def said(page: Page) -> str:
    """Return the sentence beside the answer."""
    return page.locator(".answer .main").inner_text()


def ink(page: Page) -> int:
    """Return how many of the canvas's pixels have ink on them."""
    return page.locator(".pad canvas").evaluate(
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        ".reduce((n, v, i) => n + (i % 4 === 3 && v > 128), 0)"
    )
