"""Wait for what a test needs, not for some time."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from playwright.sync_api import Page

from training.benchmarks.pages.first_visit import DRAWN

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
# Resolves when fonts and images are there and two frames in a row have the same layout.
_SETTLED = """
async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const main = document.querySelector('[data-testid=stMain]');
  const layout = () => [main, ...main.querySelectorAll('*')]
    .map((e) => `${e.scrollWidth} ${e.scrollHeight}`).join();
  await document.fonts.ready;
  await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
  let before = null;
  for (let now = layout(); now !== before; now = layout()) {
    before = now;
    await frame();
    await frame();
  }
}
"""
# Scrolls to a screen; returns whether it is the last.
_NEXT_SCREEN = """
(main, number) => {
  main.scrollTo(0, number * main.clientHeight);
  return main.scrollTop + main.clientHeight >= main.scrollHeight - 1;
}
"""
# Whether nothing that can be seen waits any more for somebody to come near.
_ALL_THERE = """
() => [...document.querySelectorAll('[class*="st-key-late-"] [role=img][style]')]
  .every((place) => !place.checkVisibility())
"""


def drawn(page: Page) -> None:
    """Wait until a page is settled with all its charts, which Streamlit draws late."""
    page.wait_for_selector(IDLE)
    page.wait_for_function(DRAWN)
    settled(page)


def seen_to_the_end(page: Page) -> None:
    """Scroll down a screen after the other, with all that is drawn once it is seen, and back."""
    main = page.get_by_test_id("stMain")
    for down in itertools.count():
        drawn(page)
        if main.evaluate(_NEXT_SCREEN, down):
            break
    page.wait_for_function(_ALL_THERE)
    drawn(page)
    main.evaluate("e => e.scrollTo(0, 0)")
    settled(page)


def settled(page: Page) -> None:
    """Wait until a page's run is finished and its layout stands still."""
    page.wait_for_selector(IDLE)
    page.evaluate(_SETTLED)


def eventually(page: Page, true: Callable[[], bool], problem: str) -> None:
    """Ask again and again, while the page goes on; fail if it does not become true."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, problem
        page.wait_for_timeout(50)  # lets the page's events come in
