"""A running app, a real Chromium, and a page that fails its test when it misbehaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from training.benchmarks import chromium
from training.benchmarks.digits_page import app

LOCAL = ("127.0.0.1", "localhost", "[::1]")
IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
# A deep link makes Streamlit's page ask for these two below the page's own path first.
DEEP_LINK_404 = re.compile(r"/[a-z_]+/_stcore/(health|host-config)$")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path).replace("\\", "/"):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    try:
        found = chromium.launch(playwright)
    except RuntimeError as error:  # fail, never skip: a suite without its browser proves nothing
        pytest.fail(str(error), pytrace=False)
    yield found
    found.close()


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Address of an app that all tests share."""
    with app() as address:
        yield address


@pytest.fixture
def fresh_url() -> Iterator[str]:
    """Address of an app that nobody has visited yet."""
    with app() as address:
        yield address


@pytest.fixture
def visit(browser: Browser) -> Iterator[Any]:
    """Return ``visit(address, **context options) -> Page``, an idle page.

    After the test, every page must have kept to this machine and have logged no error.
    """
    pages: list[Watched] = []
    with ExitStack() as contexts:

        def open_page(address: str, **options: Any) -> Page:
            options.setdefault("viewport", {"width": 1280, "height": 900})
            context = browser.new_context(**options)
            contexts.callback(context.close)
            page = context.new_page()
            pages.append(Watched(page))
            page.goto(address)
            page.wait_for_selector(IDLE)
            return page

        yield open_page
        for watched in pages:
            watched.check()


class Watched:
    """What a page asked for and complained about."""

    def __init__(self, page: Page) -> None:
        self.outside: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self._address(request.url))
        page.on("websocket", lambda socket: self._address(socket.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)

    def _address(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname not in LOCAL:
            self.outside.append(address)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            source = message.location.get("url", "")
            if not ("404" in message.text and DEEP_LINK_404.search(urlsplit(source).path)):
                self.errors.append(f"{message.text} ({source})")

    def check(self) -> None:
        assert not self.outside, f"requests left the machine: {self.outside}"
        assert not self.errors, f"errors in the browser's console: {self.errors}"
