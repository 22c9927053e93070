"""Take the images of the app in docs/screenshots: ``python -m tests.browser.screenshots``.

Each page, light and dark, 1280 and 390 pixels wide, with a drawn digit on the pad.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser import pad
from tests.browser.waiting import settled
from training.benchmarks.pages import chromium
from training.benchmarks.pages.page_wait import app

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SIZES = {"": (1280, 800), "-phone": (390, 844)}


def main() -> int:
    """Write all images; return the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with app() as url, sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        for size, (width, height) in SIZES.items():
            for scheme in ("light", "dark"):
                page = browser.new_page(
                    viewport={"width": width, "height": height},
                    color_scheme=scheme,
                    device_scale_factor=2 if size == "-phone" else 1,
                    has_touch=size == "-phone",
                )
                for name in ("overview", "digits"):
                    page.goto(url if name == "overview" else f"{url}/{name}")
                    settled(page)
                    if name == "digits":
                        pad.draw(page, pad.THREE)
                        if not size:  # down to the layers, for the README
                            page.set_viewport_size({"width": width, "height": 1460})
                        page.mouse.move(0, 0)
                        settled(page)
                    page.screenshot(path=FOLDER / f"{name}{size}-{scheme}.png")
                page.close()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
