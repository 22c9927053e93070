"""The page "Feature maps" in a real browser: click a layer, a channel, a pixel."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

import zoo
from tests.browser.waiting import settled
from zoo.samples import samples

MODEL = zoo.load("mnist", source="bundle", device="cpu")
RUN = zoo.explain.trace(MODEL, samples("digits")[7].path)


@pytest.fixture
def page(stay, url) -> Page:
    return at_first(stay(f"{url}/feature_maps"))


def at_first(found: Page) -> Page:
    """Return a page that tests hand on to each other, with the layer that it opens with."""
    if len(zoo.list_models()) > 1:
        expect(found.get_by_role("radio", name="Digits")).to_be_checked()
    first = found.locator(".diagram .block").first
    expect(first).to_be_visible()
    if first.get_attribute("aria-pressed") != "true":
        first.click()
    expect(steps(found).last).to_have_attribute("data-layer", "relu1")
    settled(found)
    return found


def steps(page: Page) -> Locator:
    return page.locator(".steps section")


def sheet(page: Page, number: int) -> Locator:
    """Return the mosaic (0) or the map of the chosen channel (1), in view."""
    found = page.locator(".cells .sheet").nth(number)
    found.scroll_into_view_if_needed()
    return found


def click(target: Locator, row: int, column: int, rows: int, columns: int) -> None:
    """Click the middle of a cell."""
    box = target.bounding_box()
    assert box
    x, y = box["width"] * (column + 0.5) / columns, box["height"] * (row + 0.5) / rows
    target.click(position={"x": x, "y": y})


def expect_value(page: Page, layer: str, channel: int, row: int, column: int) -> None:
    """The last step must come to the value that the network has at that place."""
    expect(page.locator(".steps")).to_have_attribute(
        "data-token", f"{layer}-{channel}-{row}-{column}"
    )
    shown = float(steps(page).last.get_attribute("data-value") or "nan")
    assert shown == pytest.approx(float(RUN[layer][channel, row, column]), rel=1e-5, abs=1e-5)


def test_click_a_layer_a_channel_and_a_pixel_and_a_link_opens_them(page, visit):
    page.locator(".diagram .block").nth(1).click()
    expect(page.get_by_role("heading", name="ReLU: 64 × 6 × 6")).to_be_visible()
    click(sheet(page, 0), 2, 3, 8, 8)  # channel 19
    expect(page.get_by_text("Channel 19", exact=True)).to_be_visible()
    click(sheet(page, 1), 4, 1, 6, 6)
    expect_value(page, "relu2", 19, 4, 1)
    expect(steps(page)).to_have_count(4)
    page.wait_for_function("location.search.includes('row=4')")
    again = visit(page.url)
    expect_value(again, "relu2", 19, 4, 1)

    page.locator(".diagram .layer").filter(has_text="Convolution").click()
    expect(steps(page)).to_have_count(1)
    click(sheet(page, 1), 0, 11, 12, 12)
    channel = int(page.locator(".steps").get_attribute("data-token").split("-")[1])
    expect_value(page, "conv2", channel, 0, 11)
    patch = page.locator(".steps table").first
    expect(patch.locator("td.outside")).to_have_count(5)  # a corner: five of nine are padding


def test_a_layers_maps_come_before_the_pages_run(page):
    page.locator(".cells").first.evaluate(
        """cells => {
          window.order = [];
          new MutationObserver(all => window.order.push(...all.map(one => one.attributeName)))
            .observe(cells, { attributes: true, attributeFilter: ["data-live", "data-token"] });
          window.first = cells.querySelector("img").src;
        }"""
    )
    page.locator(".diagram .block").nth(1).click()
    expect(steps(page).last).to_have_attribute("data-layer", "relu2")
    settled(page)
    # The sheet, heard from the diagram; then the same, from the run.
    assert page.evaluate("window.order") == ["data-token", "data-live", "data-token"]
    image = page.locator(".cells img").first
    assert image.get_attribute("src") != page.evaluate("window.first")


def test_without_the_short_way_the_pages_run_brings_the_maps(page):
    page.route("**/live/maps?*", lambda route: route.fulfill(status=204))
    before = page.locator(".cells img").first.get_attribute("src")
    page.locator(".diagram .block").nth(1).click()
    expect(steps(page).last).to_have_attribute("data-layer", "relu2")
    assert page.locator(".cells img").first.get_attribute("src") != before
    page.unroute("**/live/maps?*")


def test_keys_do_what_clicks_do(page):
    mosaic = sheet(page, 0)
    mosaic.focus()
    for key, channel in (("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowDown", 10)):
        page.keyboard.press(key)  # each is answered before the next, as a person would wait
        expect(page.get_by_text(f"Channel {channel}", exact=True)).to_be_visible()
        expect(mosaic).to_have_attribute("aria-label", re.compile(rf"channel {channel}\b"))
    pixels = sheet(page, 1)
    pixels.focus()
    for key, row, column in (("Home", 0, 0), ("ArrowDown", 1, 0), ("ArrowRight", 1, 1)):
        page.keyboard.press(key)
        expect_value(page, "relu1", 10, row, column)
    page.locator(".diagram .block").first.focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="ReLU: 128 × 3 × 3")).to_be_visible()


def test_an_input_channels_products_can_be_looked_at(page):
    page.locator(".diagram .block").nth(1).click()
    expect(page.get_by_role("heading", name="ReLU: 64 × 6 × 6")).to_be_visible()
    channels = steps(page).first.locator(".channels button")
    expect(channels).to_have_count(32)
    stops = channels.evaluate_all("all => all.filter((one) => one.tabIndex === 0).length")
    assert stops == 1, "all bars are one tab stop"
    channels.nth(4).click()
    channels.nth(4).press("ArrowRight")
    expect(channels.nth(5)).to_be_focused()
    expect(channels.nth(5)).to_have_attribute("aria-pressed", "true")
    expect(steps(page).first.locator("figcaption").first).to_have_text("Patch, channel 5")


def test_the_answer_becomes_a_probability(page):
    page.locator(".diagram .block").last.click()
    expect(page.get_by_role("heading", name="Linear: 10")).to_be_visible()
    expect(steps(page)).to_have_count(2)
    answer = MODEL.predict(samples("digits")[7].path)
    expect(page.locator(".steps")).to_have_attribute("data-token", f"softmax-{answer.index}")
    shown = float(steps(page).last.get_attribute("data-value") or "nan")
    assert shown == pytest.approx(answer.confidence, rel=1e-5)


def test_random_weights_are_one_click_away(page):
    page.get_by_text("Compare with random weights").click()
    expect(page.locator(".gallery").last.locator("figure")).to_have_count(3)
    expect(page.get_by_text("Rank correlation of the two")).to_be_visible()


@pytest.mark.parametrize(
    "options", [{}, {"viewport": {"width": 390, "height": 900}}], ids=["wide", "phone"]
)
def test_a_click_shows_its_image_soon_and_nothing_is_cut_off(stay, url, options):
    """How soon is measured by training.benchmarks.pages."""
    page = at_first(stay(f"{url}/feature_maps", **options))
    for number in (1, 2, 0):
        page.locator(".diagram .block").nth(number).click()
        shape = RUN.layer(f"relu{number + 1}").shape
        expect(
            page.get_by_role("heading", name=f"ReLU: {' × '.join(map(str, shape))}")
        ).to_be_visible()
    widths = page.evaluate(
        "[...document.querySelectorAll('[data-testid=stMain], html')]"
        ".map(e => [e.scrollWidth, e.clientWidth])"
    )
    assert all(scroll <= client for scroll, client in widths), widths
    loaded = page.locator(".cells .sheet img").evaluate_all("i => i.map(x => x.naturalWidth)")
    assert np.all(np.array(loaded) > 0)


PLACES = """
(blocks) => blocks.map((block) => {
  const box = block.getBoundingClientRect(), net = block.closest(".net").getBoundingClientRect();
  return [box.left - net.left, box.top - net.top, net.right - box.right, box.width];
})
"""


@pytest.mark.skipif("carvana" not in zoo.list_models(), reason="the zoo has no U-Net")
def test_a_u_is_seen_whole_in_any_window(visit, url):
    page = visit(f"{url}/feature_maps?model=carvana")
    blocks = page.locator(".diagram .block")
    for width in (1280, 1024, 390):
        page.set_viewport_size({"width": width, "height": 900})
        expect(blocks.first).to_be_visible()
        expect(page.locator(".diagram .block[aria-pressed=true]")).to_have_count(1)
        settled(page)
        places = np.array(blocks.evaluate_all(PLACES))
        assert places[:, [0, 2]].min() >= -1, "nothing sticks out of the diagram"
        assert places[:, 3].min() >= 24, "each block can be hit"
        lowest = places[:, 1].argmax()
        assert np.all(np.diff(places[:lowest, 1]) >= -12), "down …"
        assert places[-1, 1] < 20, "… and up again"
        scroll = page.locator(".diagram").evaluate("e => [e.scrollWidth, e.clientWidth]")
        assert scroll[0] <= scroll[1]


def test_another_image_changes_the_maps_and_the_arithmetic_stands_beside_them(page):
    pixels, sums = sheet(page, 1).bounding_box(), page.locator(".steps").bounding_box()
    assert pixels
    assert sums
    assert sums["x"] >= pixels["x"] + pixels["width"]
    assert abs(sums["y"] - pixels["y"]) < 120
    before = sheet(page, 0).locator("img").get_attribute("src")
    page.locator(".strip button").first.click()
    expect(page.locator(".cells .sheet img").first).not_to_have_attribute("src", before)
    expect(page.locator(".strip button").first).to_have_attribute("aria-pressed", "true")
