"""The page "Skip connections" in a real browser: put them back one by one."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import zoo

pytestmark = pytest.mark.skipif("carvana" not in zoo.list_models(), reason="the zoo has no U-Net")


def test_the_mask_comes_back_with_the_connections(visit, url):
    page = visit(f"{url}/skip_connections")
    images = page.locator(".gallery").first.locator("img")
    share = page.get_by_test_id("stMetricValue")
    expect(images).to_have_count(3)
    before = share.inner_text()
    assert "100" not in before
    buttons = page.locator(".st-key-skip-kept button")
    expect(buttons).to_have_count(4)
    for number in range(4):
        buttons.nth(number).click()
        title = "With all" if number == 3 else f"With {number + 1} of 4"
        expect(page.locator(".gallery figcaption b").first).to_have_text(title)
    expect(share).to_have_text("100 %")
    assert images.first.get_attribute("src") == images.nth(1).get_attribute("src")
    page.wait_for_function("location.search.includes('kept=0.1.2.3')")
    again = visit(page.url)
    expect(again.get_by_test_id("stMetricValue")).to_have_text("100 %")
