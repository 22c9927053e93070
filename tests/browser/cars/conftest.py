"""The cars page with a stand-in for the network: whatever is red is car."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests import red_cars
from training.benchmarks.pages.page_wait import app


@pytest.fixture(scope="session")
def red_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an app whose car network is the stand-in."""
    path = red_cars.write(tmp_path_factory.mktemp("zoo"))
    with app(("-m", "tests.red_cars", str(path))) as address:
        yield address


@pytest.fixture
def cars(stay, red_url) -> Page:
    """The page that tests hand on to each other: a new photo begins anew, see `upload`."""
    page = stay(f"{red_url}/cars")
    expect(page.locator(".stage")).to_have_attribute("data-shown", re.compile(r"^\d"))
    return page
