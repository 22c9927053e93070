"""Take the README's screenshots, docs/screenshots: ``python -m tests.browser.screenshots``.

Six pages, each light and dark, as a visitor sees them who has done one thing on them.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser import pad, test_interview
from tests.browser.waiting import drawn
from training.benchmarks.pages import chromium
from training.benchmarks.pages.page_wait import app

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
PAGES = ("interview", "digits", "objects", "cars", "feature_maps", "batch_norm")
GUESS = (0.9, 0.75, 0.55, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1)  # of a curve, from the chart's top
REVEAL = 3000  # milliseconds: a measured curve draws itself
SIZE = {"width": 1280, "height": 960}
# Streamlit's own bar at the top left out.
STYLE = """
[data-testid=stHeader] { display: none }
[data-testid=stMainBlockContainer] { padding-top: 2rem }
"""


def take(page: Page, url: str, name: str) -> Image.Image:
    """Open a page, do what it is for, and return what it looks like then."""
    page.goto(f"{url}/{name}{'?q=11' if name == 'interview' else ''}")
    drawn(page)
    page.add_style_tag(content=STYLE)
    if name == "digits":
        pad.draw(page, pad.THREE)
    if name == "interview":
        test_interview.to_prediction(page)
        test_interview.draw(page, list(GUESS))
        test_interview.commit(page)
    page.mouse.move(0, 0)
    drawn(page)
    page.wait_for_timeout(REVEAL)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def main() -> int:
    """Write all images; return the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with app() as url, sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport=SIZE, color_scheme=scheme)
            page.set_default_timeout(120_000)
            for name in PAGES:
                path = FOLDER / f"{name}-{scheme}.webp"
                take(page, url, name).save(path, quality=85, method=6)
                print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
            page.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
