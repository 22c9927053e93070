"""How long a visitor waits: from the end of a stroke to the answer on the screen.

``python -m training.benchmarks.digits_page`` starts the app, opens the digits page in a headless
Chromium, draws, and reports the median and the 95th percentile. The clock is the page's own: it
starts at the pointerup event and stops when the frame that shows the new answer has been painted,
so it contains the PNG of the drawing, both ways over the websocket, preparation, network and
rendering. In a headless browser a frame lasts 16.7 ms: a wait of up to one frame is included.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.benchmarks.chromium import launch
from training.records import hardware

ROOT = Path(__file__).parents[2]

# Resolves with the milliseconds from the next pointerup on the pad to the next painted answer.
TIMER = """
() => {
  const inside = (selector) => {
    for (const host of document.querySelectorAll('[data-testid=stBidiComponentIsolated]')) {
      const found = host.shadowRoot?.querySelector(selector);
      if (found) return found;
    }
  };
  const answer = inside('.answer'), canvas = inside('.pad canvas');
  window.waited = new Promise((resolve) => {
    canvas.addEventListener('pointerup', () => {
      const start = performance.now();
      new MutationObserver((_, observer) => {
        observer.disconnect();
        requestAnimationFrame(() => {               // the frame that paints the change
          const channel = new MessageChannel();     // a message handled right after it
          channel.port1.onmessage = () => resolve(performance.now() - start);
          channel.port2.postMessage(0);
        });
      }).observe(answer, { attributes: true, attributeFilter: ['data-number'] });
    }, { once: true, capture: true });
  });
}
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark from the command line; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strokes", type=int, default=40, help="strokes to time (default 40)")
    parser.add_argument("--url", help="a running app, instead of starting one")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    if options.strokes < 1:
        parser.error("--strokes must be at least 1.")
    try:
        if options.url:
            result = measure(options.url, options.strokes)
        else:
            with app() as url:
                result = measure(url, options.strokes)
    except RuntimeError as error:  # no Chromium, or the app did not start: a sentence says so
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(result, indent=2) if options.json else table(result))
    return 0


@contextmanager
def app(streamlit: Sequence[str] = ("-m", "streamlit")) -> Iterator[str]:
    """Start the app on a free port; yield its address; stop it.

    Args:
        streamlit: What Python runs as Streamlit's command; a test may want it to set something up.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {"port": port, "address": "127.0.0.1", "headless": "true", "fileWatcherType": "none"}
    flags = [f"--server.{name}={value}" for name, value in options.items()]
    command = [sys.executable, *streamlit, "run", "app.py", *flags]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{url}/_stcore/health", server)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _wait(health: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(health, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The app did not start; run `streamlit run app.py` to see why.")


def measure(url: str, strokes: int) -> dict[str, Any]:
    """Draw on the digits page and time the answers.

    Args:
        url: Address of the app.
        strokes: How many strokes to time, after three that are not.

    Returns:
        The times in milliseconds, in order, and what they were measured on.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{url}/digits")
        page.wait_for_selector(".pad canvas")
        page.wait_for_timeout(3000)  # the warm-up thread and the first frames
        box = page.locator(".pad canvas").bounding_box()
        assert box
        rng = random.Random(0)
        times = [_stroke(page, box, rng, number) for number in range(strokes + 3)][3:]
        version = browser.version
        browser.close()
    return {
        "benchmark": "digits_page",
        "question": "How long from the end of a stroke to the painted answer?",
        "milliseconds": [round(ms, 1) for ms in times],
        "n": len(times),
        "median_ms": round(statistics.median(times), 1),
        "p95_ms": round(statistics.quantiles(times, n=20, method="inclusive")[-1], 1)
        if len(times) > 1
        else round(times[0], 1),
        "hardware": hardware(),
        "browser": f"headless Chromium {version}",
    }


def _stroke(page: Any, box: dict[str, float], rng: random.Random, number: int) -> float:
    """Draw one stroke of a hand's length and speed; clear the pad after every third."""
    if number % 3 == 0:
        page.locator(".pad [data-do=clear]").click()
        page.wait_for_timeout(600)
    page.evaluate(TIMER)
    x, y = (rng.uniform(0.3, 0.7) for _ in range(2))
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    page.mouse.down()
    for _ in range(12):
        x = min(max(x + rng.uniform(-0.08, 0.08), 0.15), 0.85)
        y = min(max(y + rng.uniform(-0.08, 0.08), 0.15), 0.85)
        page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
    page.mouse.up()
    waited = float(page.evaluate("window.waited"))
    page.wait_for_timeout(400)  # a hand pauses too; the maps below are drawn meanwhile
    return waited


def table(result: dict[str, Any]) -> str:
    """Format the result for people."""
    machine = result["hardware"]
    return "\n".join(
        [
            "Stroke end → painted answer, digits page",
            f"  n       {result['n']} strokes",
            f"  median  {result['median_ms']:.1f} ms",
            f"  p95     {result['p95_ms']:.1f} ms",
            f"  min     {min(result['milliseconds']):.1f} ms",
            f"  max     {max(result['milliseconds']):.1f} ms",
            f"  on      {machine['cpu']}, {machine['cores']} cores for server and browser together",
            f"          {result['browser']}",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
