"""The page Experiments, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import zoo


@pytest.mark.parametrize("width", [1280, 390])
def test_a_link_opens_an_experiment_and_nothing_is_cut_off(visit, url, width):
    page = visit(
        f"{url}/experiments?experiment=unet_losses",
        viewport={"width": width, "height": 900},
    )
    question = zoo.experiment("unet_losses").question
    expect(page.get_by_role("heading", name=question)).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    main = page.get_by_test_id("stMain")
    assert main.evaluate("box => box.scrollWidth <= box.clientWidth"), "it scrolls sideways"


def test_the_address_follows_and_leads_back(visit, url):
    page = visit(f"{url}/experiments")
    question = zoo.experiment("unet_skips").question
    card = page.get_by_test_id("stVerticalBlock").filter(has_text=question).last
    card.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name=question)).to_be_visible()
    page.wait_for_url("**/experiments?experiment=unet_skips")
    with page.expect_download() as arriving:
        page.get_by_role("button", name="Rows, CSV").click()
    assert arriving.value.suggested_filename == "unet_skips.csv"
    page.get_by_role("button", name="All experiments").click()
    expect(page.get_by_role("heading", name="Experiments", exact=True)).to_be_visible()
    page.wait_for_url(lambda address: "experiment=" not in address)
