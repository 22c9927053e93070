"""A running app, a real Chromium, and a page that fails its test when it misbehaves."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.browser.waiting import IDLE
from training.benchmarks.pages import chromium
from training.benchmarks.pages.page_wait import Server

expect.set_options(timeout=60_000)  # CI machines are slow and shared

LOCAL = ("127.0.0.1", "localhost", "[::1]")
# Whether a test has passed so far.
PASSED = pytest.StashKey[bool]()
# A deep link makes Streamlit's page ask for these two below the page's own path first.
DEEP_LINK_404 = re.compile(r"/[a-z_]+/_stcore/(health|host-config)$")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path).replace("\\", "/"):
            item.add_marker(pytest.mark.browser)
            # Server, browser and other tests share two cores: what misses its moment is tried once
            # more, in a new page, and told as a rerun. A broken feature fails both times.
            item.add_marker(pytest.mark.flaky(reruns=1))


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
def url(shared_server: Server) -> str:
    """Address of an app that all tests share."""
    return shared_server.url


@pytest.fixture(scope="session")
def contexts(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Return ``contexts(**options)``, one browser context for each set of options.

    Tests share them, so that Streamlit's megabytes of JavaScript are read once. What a page shows
    is a matter of its websocket; nothing is kept in the context.
    """
    made: dict[str, BrowserContext] = {}

    def context(**options: Any) -> BrowserContext:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        key = repr(sorted(options.items()))
        if key not in made:
            made[key] = browser.new_context(**options)
            made[key].set_default_timeout(120_000)
        return made[key]

    yield context
    for one in made.values():
        one.close()


@pytest.fixture
def visit(contexts: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Return ``visit(address, before=None, **context options) -> Page``, an idle page.

    ``before(page)`` is called when the page is there and no address has been opened in it.

    After the test, every page must have kept to this machine and have logged no error.
    """
    pages: list[tuple[Page, Watched]] = []

    def open_page(
        address: str, before: Callable[[Page], None] | None = None, **options: Any
    ) -> Page:
        page = contexts(**options).new_page()
        pages.append((page, Watched(page)))
        if before:
            before(page)
        page.goto(address)
        page.wait_for_selector(IDLE)
        return page

    yield open_page
    for page, watched in pages:
        page.close()
        watched.check()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[PASSED] = report.passed and (call.when == "setup" or item.stash[PASSED])
    return report


@pytest.fixture(scope="module")
def kept() -> Iterator[dict[str, tuple[Page, Watched]]]:
    """Pages that stay open from one test of a file to the next, by address and options."""
    pages: dict[str, tuple[Page, Watched]] = {}
    yield pages
    for page, _ in pages.values():
        page.close()


@pytest.fixture
def stay(
    request: pytest.FixtureRequest,
    contexts: Callable[..., BrowserContext],
    kept: dict[str, tuple[Page, Watched]],
) -> Iterator[Callable[..., Page]]:
    """Return ``stay(address, **options) -> Page``, as the test before has left it, or opened.

    For tests that look at parts of one page that do not touch each other, and that takes long to
    open. A test that fails leaves no page to the next.
    """
    used: list[str] = []

    def open_page(address: str, **options: Any) -> Page:
        key = f"{address} {sorted(options.items())}"
        used.append(key)
        if key not in kept:
            page = contexts(**options).new_page()
            kept[key] = page, Watched(page)
            page.goto(address)
        page = kept[key][0]
        page.wait_for_selector(IDLE)
        return page

    yield open_page
    passed = request.node.stash.get(PASSED, False)
    for key in used:
        page, watched = kept[key]
        if not passed or watched.errors or watched.outside:
            kept.pop(key)
            page.close()
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
            # Streamlit drops a page's images when the visitor leaves it, and a slow browser may
            # still ask for one.
            left_behind = "/media/" in f"{message.text} {source}"
            deep_link = "404" in message.text and DEEP_LINK_404.search(urlsplit(source).path)
            if not (deep_link or left_behind):
                self.errors.append(f"{message.text} ({source})")

    def check(self) -> None:
        assert not self.outside, f"requests left the machine: {self.outside}"
        assert not self.errors, f"errors in the browser's console: {self.errors}"
