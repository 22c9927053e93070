"""The BatchNorm page in a real browser: move γ, choose an image, run and stop the race, fold."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect


@pytest.fixture
def page(visit, url) -> Page:
    page = visit(f"{url}/batch_norm")
    expect(page.get_by_role("button", name="Fold and measure")).to_be_visible(timeout=60_000)
    return page


def slider(page: Page, symbol: str) -> Locator:
    return page.locator(f"input[type=range][aria-label^='{symbol}']")


def test_gamma_moves_histogram_and_answer(page: Page) -> None:
    expect(page.get_by_text(re.compile(r"The answer (stays|turns)"))).to_be_visible()
    expect(slider(page, "γ")).to_have_attribute("aria-valuetext", "1.00")
    caption = page.get_by_text(re.compile(r"^Mean .* standard deviation 1\.00\.$"))
    expect(caption).to_have_count(2)  # normalized, and after a γ of 1
    slider(page, "γ").focus()
    for _ in range(5):
        page.keyboard.press("PageUp")  # a tenth of the slider's length
    expect(caption).to_have_count(1, timeout=60_000)
    page.get_by_role("button", name="As trained").click()
    expect(caption).to_have_count(2, timeout=60_000)


def test_a_image_of_the_batch_can_be_chosen(page: Page) -> None:
    images = page.locator(".strip").first.locator("button")
    expect(images).to_have_count(10)
    images.nth(3).click()
    expect(images.nth(3)).to_have_attribute("aria-pressed", "true")
    companions = page.locator(".strip").nth(1).locator("button")
    name = (companions.nth(2).get_attribute("aria-label") or "").split(": ")[1]
    companions.nth(2).click()
    expect(page.get_by_text(f"How sure the network is of “{name}”")).to_be_visible()
    expect(page.get_by_text(f"Truth: {name}")).to_be_visible()


def test_the_race_runs_draws_and_stops(page: Page) -> None:
    page.get_by_role("button", name="Start the race").click()
    said = page.get_by_text(re.compile(r"(Training|Finished): step [\d,]+"))
    expect(said).to_contain_text(re.compile(r"step [1-9]"), timeout=60_000)
    expect(page.get_by_text("Accuracy on held-out digits")).to_be_visible()
    stop = page.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True)
    if stop.is_visible():  # on a very slow machine the 20 seconds may be over
        stop.click()
    expect(said).to_contain_text("Finished", timeout=60_000)
    expect(page.get_by_role("button", name="Start the race")).to_be_visible()


def test_folding_shows_difference_and_speed(page: Page) -> None:
    page.get_by_role("button", name="Fold and measure").click()
    metric = page.get_by_test_id("stMetric")
    expect(metric).to_have_count(4, timeout=60_000)
    expect(metric.first).to_contain_text("e-0")
    expect(page.get_by_role("heading", name="Claims and measurements")).to_be_visible()
