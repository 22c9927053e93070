"""Every page fits a phone, in light and in dark."""

from __future__ import annotations

from pathlib import PurePath

import pytest
from playwright.sync_api import expect

from pages.common.site import ENTRIES
from tests.browser.waiting import settled

SIZE = {"width": 390, "height": 844}
SIDES = """
[...document.querySelectorAll('[data-testid=stMain], html, .katex-display')]
  .map((e) => [e.scrollWidth, e.clientWidth])
"""


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.title)
def test_nothing_overflows_on_a_phone(visit, url, entry):
    address = "" if entry is ENTRIES[0] else PurePath(entry.path).stem
    page = visit(f"{url}/{address}", viewport=SIZE)
    expect(page.get_by_test_id("stMain").get_by_role("heading").first).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        settled(page)
        widths = page.evaluate(SIDES)
        assert all(scroll <= client + 1 for scroll, client in widths), (scheme, widths)
        background = page.locator("[data-testid=stApp]").evaluate(
            "e => getComputedStyle(e).backgroundColor"
        )
        brightness = sum(int(v) for v in background[4:-1].split(",")[:3]) / 3
        assert (brightness > 128) == (scheme == "light"), scheme
