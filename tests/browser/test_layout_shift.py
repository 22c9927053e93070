"""Nothing jumps while a page loads; nor do the thumbnails, while one clicks through them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from pages.common import site
from tests.browser.pad import number, wait_for_answer
from tests.browser.waiting import settled
from training.benchmarks.pages import layout_shift

MOST = 0.05


@pytest.mark.parametrize("width", layout_shift.WIDTHS)
@pytest.mark.parametrize("entry", site.ENTRIES, ids=lambda entry: entry.title)
def test_nothing_jumps_while_a_page_loads(
    browser: Browser, url: str, entry: site.Entry, width: int
) -> None:
    name = "" if entry is site.ENTRIES[0] else site.name(entry)
    found = layout_shift.visit(browser, f"{url}/{name}", width)
    assert found["page_itself"] <= MOST, found


@pytest.mark.parametrize("width", layout_shift.WIDTHS)
def test_the_thumbnails_stay_where_they_are(visit: Any, url: str, width: int) -> None:
    page = visit(f"{url}/objects", viewport={"width": width, "height": 900})
    buttons = page.locator(".strip button")
    expect(buttons.first).to_be_visible(timeout=90_000)
    settled(page)
    places = set()
    for which in (1, 9, 14, 19):  # wide and high photos, sure and unsure answers
        before = number(page)
        buttons.nth(which).click()
        wait_for_answer(page, before)
        settled(page)
        places.add(round(buttons.first.evaluate(TOP)))
    assert max(places) - min(places) <= 1, places


TOP = """
(e) => e.getBoundingClientRect().top
  + document.querySelector("[data-testid=stMain]").scrollTop
"""
