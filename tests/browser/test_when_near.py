"""What is drawn once somebody comes near it: on a page's way down, in a tab, in a fold."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.waiting import drawn, seen_to_the_end

CHARTS = ".js-plotly-plot .main-svg:first-child"


def height(page: Page) -> int:
    return int(page.get_by_test_id("stMain").evaluate("e => e.scrollHeight"))


def test_the_first_screen_asks_for_no_chart_and_the_way_down_draws_them_all(
    visit: Any, url: str
) -> None:
    asked: list[str] = []

    def listen(page: Page) -> None:
        page.on("request", lambda request: asked.append(request.url))

    page = visit(f"{url}/digits", before=listen)
    drawn(page)
    assert asked
    assert not [address for address in asked if "Plotly" in address or "Highlighter" in address]
    before = height(page)
    seen_to_the_end(page)
    expect(page.locator(CHARTS)).to_have_count(5)
    expect(page.get_by_test_id("stCode")).to_have_count(1)
    assert abs(height(page) - before) < 3


def test_a_command_of_several_lines_has_its_place_before_it_is_drawn(visit: Any, url: str) -> None:
    page = visit(f"{url}/cars", viewport={"width": 390, "height": 844})
    drawn(page)
    before = height(page)
    place = page.locator(".st-key-late-training-command")
    assert "--data-dir" in place.locator("pre.command-place").inner_text()
    high = place.evaluate("e => e.offsetHeight")
    assert high > 100, "more than one line"
    seen_to_the_end(page)
    expect(page.get_by_test_id("stCode")).to_have_count(2)
    assert abs(place.evaluate("e => e.offsetHeight") - high) < 3
    assert abs(height(page) - before) < 6


def test_a_jump_to_the_end_finds_its_charts(visit: Any, url: str) -> None:
    page = visit(f"{url}/digits")
    drawn(page)
    page.evaluate("location.hash = 'training'")
    expect(page.get_by_role("heading", name="How it was trained")).to_be_in_viewport()
    for chart in ("accuracy", "loss"):
        expect(page.locator(f".st-key-late-curve-{chart} .main-svg").first).to_be_in_viewport()


def test_a_tab_and_a_fold_are_drawn_when_they_are_opened(visit: Any, url: str) -> None:
    page = visit(f"{url}/batch_norm")
    drawn(page)
    page.get_by_role("tab", name="At every learning rate").click()
    expect(page.locator(".st-key-late-bn-speed-grid .main-svg").first).to_be_visible()
    fold = page.locator(".st-key-bn-reasons-more")
    expect(fold.locator(CHARTS)).to_have_count(0)
    fold.locator("summary").click()
    expect(fold.locator(CHARTS)).to_have_count(4)
