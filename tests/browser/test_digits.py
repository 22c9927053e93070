"""The digits page in a real browser."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from tests.browser import pad
from tests.browser.waiting import eventually, settled


@pytest.fixture
def fresh(visit, url) -> Page:
    """The page as it opens."""
    page = visit(f"{url}/digits")
    expect(page.locator(".answer .label")).to_have_text("7")  # the sample it starts with
    return page


@pytest.fixture
def digits(stay, url) -> Page:
    """The page that tests hand on to each other, with the sample that it starts with."""
    page = stay(f"{url}/digits")
    seven = page.locator(".strip button").nth(7)
    expect(seven).to_be_visible()
    if seven.get_attribute("aria-pressed") != "true":
        before = pad.number(page)
        seven.click()
        pad.wait_for_answer(page, before)
        settled(page)
    expect(page.locator(".answer .label")).to_have_text("7")
    eventually(page, lambda: pad.ink(page) > 1000, "The sample is not drawn.")
    return page


def test_first_state_shows_a_sample_and_all_parts(fresh):
    digits = fresh
    eventually(digits, lambda: pad.ink(digits) > 1000, "The sample is not drawn.")
    expect(digits.locator(".answer .bars li")).to_have_count(10)
    expect(digits.locator(".answer img")).to_be_visible()
    expect(digits.get_by_role("heading", name="What the network looked at")).to_be_visible()
    expect(digits.locator(".gallery").nth(1).locator("figure")).to_have_count(12)


def test_mouse_drawings_are_read_and_the_bars_follow(digits):
    strokes = {"1": pad.ONE, "3": pad.THREE, "4": pad.FOUR, "7": pad.SEVEN}
    for digit, drawn in strokes.items():
        pad.draw(digits, drawn)
        assert pad.label(digits) == digit
        assert f"sure it is a {digit}" in pad.said(digits)
        assert digits.locator(".answer li[data-best] .name").inner_text() == digit
        widths = digits.locator(".answer li").evaluate_all(
            "rows => rows.map(r => parseFloat(r.style.getPropertyValue('--p')))"
        )
        assert len(widths) == 10
        assert abs(sum(widths) - 1) < 0.01
        assert max(range(10), key=widths.__getitem__) == int(digit)
        before = pad.number(digits)
        digits.get_by_role("button", name="Clear the pad").click()
        pad.wait_for_answer(digits, before)


def note_the_order(page: Page) -> None:
    """Have the page note in ``window.order`` what changes the answer, and its label then."""
    page.locator(".answer").evaluate(
        """answer => {
          window.order = [];
          window.noting?.disconnect();  // another test's, on the same page
          window.noting = new MutationObserver(all => window.order.push(...all.map(one => [
            one.attributeName, answer.querySelector(".label").textContent,
          ])));
          const attributeFilter = ["data-live", "data-number"];
          window.noting.observe(answer, { attributes: true, attributeFilter });
        }"""
    )


def test_a_stroke_is_answered_before_the_pages_run(digits):
    note_the_order(digits)
    pad.draw(digits, pad.ONE)
    assert digits.evaluate("window.order") == [["data-live", "1"], ["data-number", "1"]]


def test_a_sample_is_answered_and_drawn_before_the_pages_run(digits):
    note_the_order(digits)
    before = pad.number(digits)
    digits.locator(".strip button").nth(3).click()
    pad.wait_for_answer(digits, before)
    assert digits.evaluate("window.order") == [["data-live", "3"], ["data-number", "3"]]
    assert digits.locator(".pad").get_attribute("data-live") is not None
    eventually(digits, lambda: pad.ink(digits) > 1000, "The sample is not drawn.")


def test_without_the_short_way_the_pages_run_answers(digits):
    asked = []

    def broken(route) -> None:
        asked.append(route.request.post_data_buffer)
        route.fulfill(status=204)  # what a browser writes no error about

    digits.route("**/live/digit", broken)
    pad.draw(digits, pad.ONE)
    assert pad.label(digits) == "1"
    assert len(asked) == 1
    assert asked[0].startswith(b"\x89PNG")
    digits.unroute("**/live/digit")


def test_touch_drawing_is_read(visit, url):
    page = visit(f"{url}/digits", viewport={"width": 390, "height": 844}, has_touch=True)
    box = pad.canvas(page).bounding_box()
    before = pad.number(page)
    client = page.context.new_cdp_session(page)
    spots = [
        {"x": box["x"] + box["width"] * 0.5, "y": box["y"] + box["height"] * y / 20}
        for y in range(4, 17)
    ]
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": spots[:1]})
    for spot in spots[1:]:
        client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [spot]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    pad.wait_for_answer(page, before)
    assert pad.label(page) == "1"


def test_keyboard_drawing_is_read(digits):
    canvas = pad.canvas(digits)
    assert "arrow keys" in (canvas.get_attribute("aria-label") or "").lower()
    expect(digits.locator(".pad .hint")).to_contain_text("arrow keys")
    before = pad.number(digits)
    canvas.focus()
    for _ in range(12):
        digits.keyboard.press("ArrowUp")
    digits.keyboard.press("Space")
    for _ in range(24):
        digits.keyboard.press("ArrowDown")
    digits.keyboard.press("Space")
    pad.wait_for_answer(digits, before)
    assert pad.label(digits) == "1"


def test_undo_and_clear(digits):
    pad.draw(digits, pad.FOUR[:1])
    one_stroke = pad.ink(digits)
    pad.draw(digits, pad.FOUR[1:])
    assert pad.ink(digits) > one_stroke

    before = pad.number(digits)
    digits.get_by_role("button", name="Undo the last stroke").click()
    pad.wait_for_answer(digits, before)
    assert pad.ink(digits) == one_stroke

    before = pad.number(digits)
    digits.get_by_role("button", name="Clear the pad").click()
    pad.wait_for_answer(digits, before)
    assert pad.ink(digits) == 0
    assert pad.label(digits) == "?"
    assert pad.said(digits).endswith(".")
    expect(digits.get_by_role("button", name="Clear the pad")).to_be_disabled()

    before = pad.number(digits)  # and what was cleared comes back
    digits.get_by_role("button", name="Undo the last stroke").click()
    pad.wait_for_answer(digits, before)
    assert pad.ink(digits) == one_stroke


def test_undo_brings_back_the_sample_and_clear_keeps_the_place(digits):
    seven, tall = pad.ink(digits), digits.evaluate(TALL)
    pad.draw(digits, pad.ONE)
    assert pad.label(digits) == "1"
    for name, answer in (("Clear the pad", "?"), ("Undo", "1"), ("Undo", "7")):
        before = pad.number(digits)
        digits.get_by_role("button", name=name).click()
        pad.wait_for_answer(digits, before)
        assert pad.label(digits) == answer
        settled(digits)
        assert abs(digits.evaluate(TALL) - tall) < 60
    assert pad.ink(digits) == seven


TALL = "document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight"


def test_a_sample_can_be_clicked_and_drawn_over(digits):
    before = pad.number(digits)
    digits.locator(".strip button").first.click()
    pad.wait_for_answer(digits, before)
    assert pad.label(digits) == "0"
    expect(digits.locator(".strip button").first).to_have_attribute("aria-pressed", "true")
    pad.draw(digits, pad.ONE)
    assert pad.label(digits) == "1"


def test_photo_upload_and_bad_file(digits):
    for contents, answer in ((photo(), "1"), (b"only text", "?")):
        before = pad.number(digits)
        with digits.expect_file_chooser() as chooser:
            digits.get_by_role("button", name="a photo of one digit").click()
        chooser.value.set_files({"name": "one.jpg", "mimeType": "image/jpeg", "buffer": contents})
        pad.wait_for_answer(digits, before)
        assert pad.label(digits) == answer
    assert pad.said(digits).endswith(".")
    assert "Traceback" not in digits.content()


def test_drawing_survives_a_visit_to_another_page(digits):
    pad.draw(digits, pad.FOUR)
    ink = pad.ink(digits)
    digits.get_by_role("link", name="Overview").click()
    expect(digits.get_by_role("heading", name="CNN-Lytical")).to_be_visible()
    digits.get_by_test_id("stSidebarNav").get_by_role("link", name="Digits").click()
    expect(digits.locator(".answer .label")).to_have_text("4")
    eventually(digits, lambda: abs(pad.ink(digits) - ink) <= ink * 0.01, "It is another drawing.")
    digits.get_by_role("button", name="Undo the last stroke").click()  # its strokes came back too
    eventually(digits, lambda: pad.ink(digits) < ink, "The stroke is still there.")


def photo() -> bytes:
    """Return a JPEG "photo" of a 1 in dark ink on unevenly lit paper."""
    rows, columns = np.mgrid[0:640, 0:480]
    paper = 225 - 40 * columns / 480 - 15 * rows / 640
    paper += np.random.default_rng(0).normal(0, 3, paper.shape)
    image = Image.fromarray(np.clip(paper, 0, 255).astype(np.uint8))
    ImageDraw.Draw(image).line([(250, 170), (235, 470)], fill=45, width=26)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def test_what_a_stroke_does_inside_is_drawn_once_somebody_looks(fresh):
    digits = fresh  # where nobody has scrolled
    maps = digits.locator(".gallery").nth(1).locator("img").first
    seven = maps.get_attribute("src")
    pad.draw(digits, pad.ONE)
    settled(digits)
    assert maps.get_attribute("src") == seven
    digits.get_by_role("heading", name="What the network looked at").scroll_into_view_if_needed()
    eventually(digits, lambda: maps.get_attribute("src") != seven, "The maps are the sample's.")
    expect(digits.locator("[data-testid=stMain]")).to_contain_text("less sure of 1")
    one = maps.get_attribute("src")
    pad.draw(digits, pad.ONE)  # in view, it follows by itself
    eventually(digits, lambda: maps.get_attribute("src") != one, "The maps do not follow.")
