"""The frame around the pages, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import zoo
from pages.common import site
from tests.browser.conftest import Watched
from tests.browser.waiting import settled


def test_overview_leads_to_each_model_and_to_what_there_is_to_see_inside(visit, url):
    """One link of either kind is followed: tests/browser/test_every_page.py opens every page."""
    page = visit(url)
    models = [zoo.info(name).title for name in zoo.list_models(alternatives=False)]
    values = page.locator(".headline .value")
    expect(values).to_have_count(len(models) + 2)  # and BatchNorm's, and Experiments'
    for title in (*models, "Feature maps", "Skip connections", "BatchNorm", "Experiments"):
        (entry,) = (entry for entry in site.ENTRIES if entry.title == title)
        leads_to = page.get_by_role("link", name=f"Open {title}").evaluate("a => a.pathname")
        assert leads_to == f"/{site.name(entry)}"
    for title in (models[0], "Skip connections"):
        page.get_by_role("link", name=f"Open {title}").click()
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        page.get_by_test_id("stSidebarNav").get_by_role("link", name="Overview").click()
        expect(page.get_by_role("heading", name="CNN-Lytical")).to_be_visible()


def test_the_font_and_the_icon_come_from_the_app(visit, url):
    page = visit(url)
    settled(page)
    assert page.evaluate("document.fonts.check('16px Geist')")
    loaded = page.evaluate(
        "[...document.fonts].filter(f => f.family.includes('Geist') && f.status == 'loaded').length"
    )
    assert loaded >= 1
    icon = page.evaluate("document.querySelector('link[rel~=icon]').href")
    assert icon.startswith(url)


def test_the_watch_notices_requests_to_other_machines_and_errors(browser):
    """The fixture that all tests rely on would fail if a page called out."""
    page = browser.new_page()
    page.route("**/*", lambda route: route.abort())
    watched = Watched(page)
    with page.expect_event("requestfailed"), page.expect_console_message():
        page.set_content(
            "<img src='https://example.com/x.png'><script>console.error('no')</script>"
        )
    page.close()
    with pytest.raises(AssertionError, match="left the machine"):
        watched.check()
    watched.outside.clear()
    with pytest.raises(AssertionError, match="console"):
        watched.check()
