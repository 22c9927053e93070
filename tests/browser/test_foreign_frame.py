"""The app in a frame of another site, as on a course's page: what works, and what says why not.

``localhost`` and ``127.0.0.1`` are the same machine and, to a browser, two sites.
"""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Page, expect

from tests.browser.waiting import IDLE
from training.benchmarks.pages.page_wait import running_app

PHOTO = next((Path(__file__).parents[2] / "zoo/samples/objects").glob("*.jpg"))
SAYS_WHY = "Your browser keeps back the cookie that uploads need"


@pytest.fixture
def embed(contexts: Callable[..., BrowserContext]) -> Iterator[Callable[[str], FrameLocator]]:
    """Return ``embed(address)``, the inside of a frame on a page of another site."""
    served = {"address": ""}

    class Course(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            frame = f"<iframe src='{served['address']}' width=1200 height=800></iframe>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<!doctype html><h1>A course</h1>{frame}".encode())

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Course)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pages: list[Page] = []

    def open_frame(address: str) -> FrameLocator:
        served["address"] = address
        page = contexts().new_page()
        pages.append(page)
        page.goto(f"http://localhost:{server.server_port}/")
        frame = page.frame_locator("iframe")
        frame.locator(IDLE).wait_for()
        return frame

    yield open_frame
    for page in pages:
        page.close()
    server.shutdown()


def test_where_an_upload_would_fail_the_page_says_so_and_where_it_works(url, embed, visit):
    frame = embed(f"{url}/objects?embed=true")
    why = frame.get_by_text(SAYS_WHY)
    expect(why).to_be_visible()
    link = frame.get_by_role("link", name="open this page in a tab of its own")
    assert link.get_attribute("href") == f"{url}/objects"
    assert link.get_attribute("target") == "_blank"
    page = visit(f"{url}/objects")
    expect(page.get_by_text(SAYS_WHY)).to_have_count(0)


def test_without_the_check_as_in_a_space_an_upload_arrives(embed):
    with running_app(options={"server.enableXsrfProtection": "false"}) as server:
        frame = embed(f"{server.url}/objects?embed=true")
        expect(frame.get_by_text(SAYS_WHY)).to_have_count(0)
        frame.locator("input[type=file]").first.set_input_files(PHOTO)
        expect(frame.get_by_role("button", name="Yours").first).to_be_visible()
