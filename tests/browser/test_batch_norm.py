"""The BatchNorm page in a real browser: verdicts, γ, flips, the race, folding."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from pages.sections.batch_norm import live_training, recorded_series


@pytest.fixture
def page(stay, url) -> Page:
    page = stay(f"{url}/batch_norm")
    expect(page.get_by_role("button", name="Do it here")).to_be_visible(timeout=120_000)
    return page


def slider(page: Page, symbol: str) -> Locator:
    return page.locator(f"input[type=range][aria-label^='{symbol}']")


def test_the_recorded_race_plays_when_somebody_looks(page: Page) -> None:
    """The first of this file, so that nobody has scrolled yet."""
    if page.get_by_test_id("stMain").evaluate("e => e.scrollTop"):
        page.reload()
    found = recorded_series.recorded(live_training.RECORD)
    assert found is not None
    curves = live_training.recorded_curves(found, live_training.RATE)
    end = f"{100 * curves[live_training.TITLES['batch']][-1][1]:.1f} %"
    legend = page.locator(".race .legend")
    expect(legend).not_to_contain_text(end)  # it is below the screen, and waits
    legend.scroll_into_view_if_needed()
    expect(legend).to_contain_text(end)


def test_a_verdict_leads_to_its_figure(page: Page) -> None:
    rows = page.locator("table tbody tr")
    expect(rows.first).to_be_visible()
    assert rows.count() > 8
    row = rows.filter(has_text="Forgetting eval()")
    expect(row.get_by_text("yes", exact=True)).to_be_visible()
    heading = page.get_by_role("heading", name="train() is not eval()")
    expect(heading).not_to_be_in_viewport()
    row.locator("td").last.click()  # anywhere in the row
    expect(heading).to_be_in_viewport()
    page.get_by_role("button", name="By which rule?").click()
    expect(page.get_by_text("One rule for all.")).to_be_visible()
    page.keyboard.press("Escape")  # the page stays


def test_gamma_turns_an_answer_round_and_an_image_can_be_chosen(page: Page) -> None:
    expect(page.get_by_text("The answer stays")).to_be_visible()
    own = slider(page, "γ").get_attribute("aria-valuetext")
    slider(page, "γ").focus()
    while float(slider(page, "γ").get_attribute("aria-valuetext") or 0) > -2:
        page.keyboard.press("PageDown")  # a tenth of the slider's length
    expect(page.get_by_text("The answer turns from")).to_be_visible()
    page.get_by_role("button", name="As trained").click()
    expect(page.get_by_text("The answer stays")).to_be_visible()
    expect(slider(page, "γ")).to_have_attribute("aria-valuetext", own or "")
    companions = page.locator(".strip").nth(1).locator("button")
    expect(companions).to_have_count(10)
    name = (companions.nth(2).get_attribute("aria-label") or "").split(": ")[1]
    companions.nth(2).click()
    expect(companions.nth(2)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_text(f"Probability of {name}")).to_be_visible()


def test_the_running_mean_follows_the_batches(page: Page) -> None:
    page.get_by_role("tab", name="The running mean").click()
    words = page.locator(".running .words")
    words.scroll_into_view_if_needed()  # it plays where it is seen
    expect(words).to_contain_text("Batch 40", timeout=60_000)
    slow = words.inner_text()
    page.locator(".running").get_by_role("button", name="0.5").click()
    expect(words).to_contain_text("Batch 40", timeout=60_000)
    assert words.inner_text() != slow


def test_the_race_runs_draws_and_stops(page: Page) -> None:
    page.get_by_role("button", name="Run it live").click()
    words = page.locator(".race .words")
    expect(words).to_contain_text(re.compile(r"step [1-9]"), timeout=120_000)
    stop = page.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True)
    if stop.is_visible():  # on a very slow machine the 20 seconds may be over
        stop.click()
    expect(words).to_contain_text("Finished", timeout=120_000)
    expect(page.locator(".race .bold path")).to_have_count(2)
    expect(page.get_by_role("button", name="Run it live")).to_be_visible()


def test_folding_shows_difference_and_speed(page: Page) -> None:
    page.get_by_role("button", name="Do it here").click()
    metric = page.get_by_test_id("stMetric")
    expect(page.get_by_text("measured on this server just now")).to_be_visible(timeout=120_000)
    expect(metric).to_have_count(4)
    expect(metric.first).to_contain_text(re.compile("10⁻[⁵-⁹]"))
