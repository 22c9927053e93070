"""What photos as large as are allowed cost the server, when several come at once.

``python -m training.benchmarks.pages.large_photos`` starts the app, lets it warm up, and asks it
about photos of 64 and 48 megapixels at the same time: through the API (``--way api``), or as
visitors of the Cars page who upload them in a browser (``--way page``). The figures are the
server's resident memory, from Linux's /proc.
"""

from __future__ import annotations

import http.client
import io
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from PIL import Image

from training.benchmarks.pages.memory import peak, resident, rest, table
from training.benchmarks.pages.page_wait import running_app
from training.engine.provenance import hardware
from zoo.command_parser import CommandParser
from zoo.samples import first_sample

SIZES = ((16_000, 4_000), (8_000, 6_000), (16_000, 4_000))  # 64, 48 and 64 megapixels
MODEL, OUTPUTS = "carvana", ("cutout", "mask", "json")
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark from the command line; return the exit code."""
    parser = CommandParser(description=__doc__.splitlines()[0])
    parser.add_argument("--way", choices=("api", "page"), default="api", help="default api")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    try:
        found = measure(options.way)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    result = {"way": options.way, "megabytes": found, "hardware": hardware()}
    print(json.dumps(result, indent=2) if options.json else table(found))
    return 0


def measure(way: str = "api", sizes: Sequence[tuple[int, int]] = SIZES) -> dict[str, int]:
    """Measure the server's memory, in MB, by the moment.

    Args:
        way: ``"api"`` or ``"page"``.
        sizes: (width, height) of the photos, which come at once.

    Raises:
        RuntimeError: The server did not start, or did not answer.
    """
    made = {size: photo(*size) for size in set(sizes)}
    photos = [made[size] for size in sizes]
    with running_app() as server:
        ask(server.url, photo(800, 600), "json")  # loads torch and the model
        rest(server.pid)
        found = {"warmed up": resident(server.pid)}
        if way == "api":
            outputs = [OUTPUTS[number % len(OUTPUTS)] for number in range(len(photos))]
            with ThreadPoolExecutor(len(photos)) as pool:
                [*pool.map(ask, [server.url] * len(photos), photos, outputs)]
        else:
            upload(server.url, photos)
        rest(server.pid, 600)
        found["afterwards"] = resident(server.pid)
        found["peak"] = peak(server.pid)
    return found


def photo(width: int, height: int) -> bytes:
    """Return a street with a car of that size, as a JPEG of a few megabytes."""
    buffer = io.BytesIO()
    with Image.open(first_sample("cars").path) as image:
        image.resize((width, height)).save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


def ask(url: str, image: bytes, output: str) -> None:
    """Ask the API about an image.

    Raises:
        RuntimeError: It did not answer.
    """
    asked = http.client.HTTPConnection(urlsplit(url).netloc, timeout=900)
    asked.request("POST", f"/api/predict/{MODEL}?output={output}", image)
    answer = asked.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"The API answered {answer.status}: {body[:200].decode()}")


def upload(url: str, photos: Sequence[bytes]) -> None:
    """Upload photos on the Cars page, each as a visitor of its own, at the same time.

    Raises:
        RuntimeError: There is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    from training.benchmarks.pages.chromium import launch

    with sync_playwright() as driver:
        browser = launch(driver)
        pages = [browser.new_context().new_page() for _ in photos]
        for page in pages:
            page.set_default_timeout(600_000)
            page.goto(f"{url}/cars")
            page.wait_for_selector(IDLE)
        for page, contents in zip(pages, photos, strict=True):
            file = {"name": "large.jpg", "mimeType": "image/jpeg", "buffer": contents}
            page.locator("input[type=file]").first.set_input_files(file)
        for page in pages:  # the visitor's own photo, answered
            page.get_by_role("button", name="Yours").first.wait_for()
            page.wait_for_selector(IDLE)
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
