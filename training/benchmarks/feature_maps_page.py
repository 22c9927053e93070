"""How long from a click on a layer of the page "Feature maps" to the picture of its maps.

``python -m training.benchmarks.feature_maps_page`` starts the app, opens the page in a headless
Chromium and clicks layers of a network in a random order. The clock is the page's own: it starts at
the click and stops when the frame that shows the new picture has been painted, so it contains both
ways over the websocket, the drawing and the decoding.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
from typing import Any

from training.benchmarks.chromium import launch
from training.benchmarks.digits_page import app
from training.records import hardware

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
# Resolves with the milliseconds from the next click on a layer to the new, painted mosaic.
TIMER = """
() => {
  const inside = (selector) => {
    for (const host of document.querySelectorAll('[data-testid=stBidiComponentIsolated]')) {
      const found = host.shadowRoot?.querySelector(selector);
      if (found) return found;
    }
  };
  const image = inside('.cells img'), net = inside('.net');
  window.waited = new Promise((resolve) => {
    net.addEventListener('click', () => {
      const start = performance.now();
      new MutationObserver(async (_, observer) => {
        observer.disconnect();
        await image.decode();
        requestAnimationFrame(() => {               // the frame that paints the picture
          const channel = new MessageChannel();     // a message handled right after it
          channel.port1.onmessage = () => resolve(performance.now() - start);
          channel.port2.postMessage(0);
        });
      }).observe(image, { attributes: true, attributeFilter: ['src'] });
    }, { once: true, capture: true });
  });
}
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clicks", type=int, default=40, help="clicks to time (default 40)")
    parser.add_argument("--model", default="Digits", help="the network's title (default Digits)")
    parser.add_argument("--url", help="a running app, instead of starting one")
    options = parser.parse_args(arguments)
    if options.clicks < 2:
        parser.error("--clicks must be at least 2.")
    try:
        if options.url:
            result = measure(options.url, options.model, options.clicks)
        else:
            with app() as url:
                result = measure(url, options.model, options.clicks)
    except RuntimeError as error:  # no Chromium, or the app did not start: a sentence says so
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(result, indent=2))
    return 0


def measure(url: str, model: str, clicks: int) -> dict[str, Any]:
    """Click layers and time their pictures.

    Args:
        url: Address of the app.
        model: Title of the network to look into.
        clicks: How many to time, after three that are not.

    Returns:
        The times in milliseconds, in order, and what they were measured on.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{url}/feature_maps")
        page.wait_for_selector(".steps section", timeout=60_000)
        page.wait_for_timeout(3000)  # the warm-up thread and the first frames
        choice = page.get_by_test_id("stMain").get_by_role("radio", name=model, exact=True)
        if choice.count() and not choice.is_checked():
            choice.click()
            page.wait_for_timeout(3000)
            page.wait_for_selector(IDLE, timeout=60_000)
        blocks = page.locator(".diagram .block")
        count, rng, at = blocks.count(), random.Random(0), -1
        times = []
        for _ in range(clicks + 3):
            at = rng.choice([i for i in range(count) if i != at and not _chosen(blocks.nth(i))])
            page.evaluate(TIMER)
            blocks.nth(at).click()
            times.append(float(page.evaluate("window.waited")))
            page.wait_for_selector(IDLE)
            page.wait_for_timeout(250)
        version = browser.version
        browser.close()
    timed = times[3:]
    return {
        "benchmark": "feature_maps_page",
        "question": "How long from a click on a layer to the painted picture of its maps?",
        "model": model,
        "milliseconds": [round(ms, 1) for ms in timed],
        "n": len(timed),
        "median_ms": round(statistics.median(timed), 1),
        "p95_ms": round(statistics.quantiles(timed, n=20, method="inclusive")[-1], 1),
        "hardware": hardware(),
        "browser": f"headless Chromium {version}",
    }


def _chosen(block: Any) -> bool:
    return bool(block.get_attribute("aria-pressed") == "true")


if __name__ == "__main__":
    sys.exit(main())
