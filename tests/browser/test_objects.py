"""The objects page in a real browser."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.pad import label, number, said, wait_for_answer
from tests.browser.waiting import eventually, seen_to_the_end, settled
from zoo.samples import samples

SAMPLES = samples("objects")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
# Drops a PNG file onto the photo, or pastes it.
HAND_IN = """
([way, encoded]) => {
  const bag = new DataTransfer();
  const bytes = Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
  bag.items.add(new File([bytes], "halves.png", { type: "image/png" }));
  const options = { bubbles: true, composed: true, cancelable: true };
  if (way === "paste") {
    document.body.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: bag }));
    return;
  }
  const photo = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated]")]
    .map((host) => host.shadowRoot.querySelector(".crop img")).find(Boolean);
  for (const kind of ["dragenter", "dragover", "drop"])
    photo.dispatchEvent(new DragEvent(kind, { ...options, dataTransfer: bag }));
}
"""


@pytest.fixture
def objects(stay, url) -> Page:
    """The page that tests hand on to each other, with a sample."""
    page = stay(f"{url}/objects")
    expect(page.locator(".answer")).to_be_visible(timeout=90_000)
    if not page.locator(".strip button[aria-pressed=true]").count():
        before = number(page)
        page.locator(".strip button").first.click()
        wait_for_answer(page, before)
    wait_for_an_answer(page)
    settled(page)
    return page


def wait_for_an_answer(page: Page) -> None:
    # The first visitor may wait for the import of torch.
    expect(page.locator(".answer .bars li")).to_have_count(5, timeout=90_000)
    expect(page.locator(".crop img")).to_be_visible()


def test_first_state_shows_a_sample_and_all_parts_and_another_can_be_clicked(visit, url):
    objects = visit(f"{url}/objects")
    wait_for_an_answer(objects)
    assert label(objects) in {sample.label for sample in SAMPLES}
    assert "sure it is a" in said(objects)
    expect(objects.locator(".answer .rest")).to_contain_text("by PyTorch on the")
    expect(objects.locator(".strip button")).to_have_count(len(SAMPLES))
    expect(objects.get_by_text(SAMPLES[0].credit)).to_be_visible()
    for heading in ("What the network looked at", "How far to trust it", "Where it errs"):
        expect(objects.get_by_role("heading", name=heading)).to_be_visible()
    expect(objects.locator(".gallery").first.locator("figure")).to_have_count(3)
    seen_to_the_end(objects)
    expect(objects.locator(".js-plotly-plot")).to_have_count(5)
    before = number(objects)
    objects.locator(".strip button").nth(9).click()
    wait_for_answer(objects, before)
    assert label(objects) == SAMPLES[9].label
    expect(objects.locator(".strip button").nth(9)).to_have_attribute("aria-pressed", "true")
    expect(objects.get_by_text(SAMPLES[9].description).first).to_be_visible()


def test_a_number_of_the_matrix_opens_its_images_and_an_image_the_stage(objects):
    cell = objects.locator(".matrix td[aria-label$='cat, answered dog']")
    cell.click()
    expect(cell).to_have_attribute("aria-selected", "true")
    expect(objects.get_by_text("cat → dog", exact=True).first).to_be_visible()
    shown = objects.locator(".gallery").last.locator("figure")
    expect(shown.last).to_contain_text("cat → dog")
    assert set(shown.locator("b").all_inner_texts()) == {"cat → dog"}
    before = number(objects)
    shown.first.get_by_role("button").click()
    wait_for_answer(objects, before)
    assert label(objects) == "dog"
    cell.focus()
    objects.keyboard.press("ArrowLeft")  # to deer
    objects.keyboard.press("ArrowLeft")  # right ones, which are not shown
    expect(objects.locator(".matrix td[aria-label$='cat, answered right']")).to_be_focused()
    objects.get_by_role("button", name="All classes").click()
    expect(shown).to_have_count(24)


def test_the_square_is_moved_by_mouse_keyboard_and_slider(objects):
    upload(objects, halves())
    left = colour(objects)  # the middle of an image that is red on the left, blue on the right
    assert min(left[0], left[2]) > 60

    sheet, square = objects.locator(".crop .sheet"), objects.locator(".crop .square")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    before = number(objects)
    objects.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    objects.mouse.down()
    objects.mouse.move(box["x"] + 5, box["y"] + 5, steps=4)
    objects.mouse.up()
    wait_for_answer(objects, before)
    wait_for_colour(objects, "red")

    square.focus()
    for _ in range(20):
        objects.keyboard.press("Shift+ArrowRight")
    wait_for_colour(objects, "blue")

    before, wide = number(objects), square.bounding_box()["width"]
    objects.locator(".crop input").fill("40")
    wait_for_answer(objects, before)
    assert square.bounding_box()["width"] == pytest.approx(0.4 * wide, rel=0.05)
    assert "40" in objects.locator(".crop output").inner_text()


def test_another_class_can_be_explained(objects):
    maps = objects.locator(".gallery").first.locator("figure")
    answer = label(objects)
    expect(maps.nth(1)).to_contain_text(answer)
    before = maps.nth(2).locator("img").get_attribute("src")
    other = "ship" if answer != "ship" else "cat"
    objects.get_by_role("radio", name=other).or_(
        objects.get_by_test_id("stPills").get_by_role("button", name=other)
    ).first.click()
    expect(maps.nth(1)).to_contain_text(other)
    expect(maps.nth(2)).to_contain_text(other)
    expect(maps.nth(2).locator("img")).not_to_have_attribute("src", before)


def test_a_photo_and_a_damaged_file(objects):
    before = number(objects)
    upload(objects, halves())
    assert number(objects) > before
    expect(objects.locator(".strip button[aria-pressed=true]")).to_have_count(0)

    upload(objects, b"only text", "image/png")
    assert label(objects) == "?"
    assert said(objects).endswith(".")
    expect(objects.locator(".crop .empty")).to_be_visible()
    expect(objects.get_by_role("heading", name="What the network looked at")).to_have_count(0)
    assert "Traceback" not in objects.content()

    before = number(objects)  # and back to a sample
    objects.locator(".strip button").first.click()
    wait_for_answer(objects, before)
    expect(objects.locator(".crop img")).to_be_visible()


def test_an_image_is_dropped_onto_the_photo_or_pasted_and_stays_at_hand(objects):
    yours = objects.get_by_role("button", name="Yours")
    for way in ("paste", "drop"):
        before = number(objects)
        objects.evaluate(HAND_IN, [way, base64.b64encode(halves()).decode()])
        wait_for_answer(objects, before)
        expect(yours).to_have_attribute("aria-pressed", "true")
        answer, before = label(objects), number(objects)
        objects.locator(".strip button").first.click()
        wait_for_answer(objects, before)
        expect(yours).to_have_attribute("aria-pressed", "false")
        settled(objects)
    before = number(objects)
    yours.click()
    wait_for_answer(objects, before)
    assert label(objects) == answer
    expect(yours).to_have_attribute("aria-pressed", "true")


def test_a_file_that_comes_before_streamlits_uploader_is_not_lost(visit, url):
    held: list[Route] = []
    objects = visit(
        f"{url}/objects",
        before=lambda page: page.route("**/FileUploader.*.js", lambda route: held.append(route)),
    )
    expect(objects.locator(".answer .bars li")).to_have_count(5, timeout=90_000)
    before = number(objects)
    objects.evaluate(HAND_IN, ["paste", base64.b64encode(halves()).decode()])
    expect(objects.locator(".zone")).to_contain_text("Uploading")
    eventually(objects, lambda: bool(held), "The uploader was not asked for.")
    held[0].continue_()
    wait_for_answer(objects, before)
    expect(objects.get_by_role("button", name="Yours")).to_have_attribute("aria-pressed", "true")


def test_a_file_that_is_too_large_says_so_before_it_is_sent(objects, tmp_path):
    large = tmp_path / "a.tiff"
    with large.open("wb") as file:
        file.truncate(26 * 2**20)
    with objects.expect_file_chooser() as chooser:
        objects.get_by_role("button", name="Your photo").click()
    assert not chooser.value.element.get_attribute("accept"), "a name's end hides no image"
    chooser.value.set_files(large)
    expect(objects.locator(".zone .news")).to_contain_text("at most 25 MB")


def test_on_a_phone_the_result_scrolls_into_view(stay, url):
    page = stay(f"{url}/objects", **PHONE)
    wait_for_an_answer(page)
    page.get_by_test_id("stMain").evaluate("e => e.scrollTop = 0")
    zone = page.get_by_role("button", name="Your photo")
    expect(zone).to_be_in_viewport(ratio=1)
    with page.expect_file_chooser() as chooser:
        zone.click()
    wanted = chooser.value.element.get_attribute("accept") or ""
    assert "image/jpeg" in wanted, "an iPhone turns its HEIC photos into what is asked for"
    assert "heic" not in wanted
    upload(page, halves())
    expect(page.locator(".crop img")).to_be_in_viewport(ratio=1)


def test_a_link_shows_the_same_on_another_session(objects, visit):
    before = number(objects)
    objects.locator(".strip button").nth(4).click()
    wait_for_answer(objects, before)
    settled(objects)  # the answer comes first; a square moved before its photo is the old one's
    objects.locator(".crop input").fill("50")
    eventually(objects, lambda: "side=0.5" in objects.url, "The square is not in the address.")
    again = visit(objects.url)
    expect(again.locator(".strip button").nth(4)).to_have_attribute("aria-pressed", "true")
    expect(again.locator(".crop output")).to_have_text("50 %")
    again.get_by_test_id("stSidebarNav").get_by_role("link", name="Digits").click()
    expect(again.get_by_role("heading", name="Digits", exact=True)).to_be_visible()
    eventually(again, lambda: again.url.endswith("/digits"), "The other page's link is left.")


def test_the_camera_is_asked_for_only_when_it_is_wanted(objects):
    expect(objects.get_by_test_id("stCameraInput")).to_have_count(0)
    objects.get_by_role("button", name="Take a photo").click()
    expect(objects.get_by_test_id("stCameraInput")).to_be_visible()


def test_the_photo_survives_a_visit_to_another_page(objects):
    before = number(objects)
    objects.locator(".strip button").nth(3).click()
    wait_for_answer(objects, before)
    answer = label(objects)
    objects.get_by_role("link", name="Overview").click()
    expect(objects.get_by_role("heading", name="CNN-Lytical")).to_be_visible()
    objects.get_by_test_id("stSidebarNav").get_by_role("link", name="Objects").click()
    expect(objects.locator(".answer .label")).to_have_text(answer)
    expect(objects.locator(".strip button").nth(3)).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("options", [{}, PHONE], ids=["wide", "phone"])
def test_the_thumbnails_stay_where_they_are(stay, url, options):
    page = stay(f"{url}/objects", **options)
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


def upload(page: Page, contents: bytes, kind: str = "image/png") -> None:
    """Choose a file, as a visitor does, and wait for its answer."""
    before = number(page)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Your photo").click()
    chooser.value.set_files({"name": "photo.png", "mimeType": kind, "buffer": contents})
    wait_for_answer(page, before)
    settled(page)  # the answer comes first, the photo after it


def halves() -> bytes:
    """Return a PNG, twice as wide as high: red on the left, blue on the right."""
    pixels = np.zeros((300, 600, 3), np.uint8)
    pixels[:, :300, 0] = 255
    pixels[:, 300:, 2] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def colour(page: Page) -> list[float]:
    """Return the mean red, green and blue of what the network sees, as the page shows it."""
    address = page.locator(".answer img").get_attribute("src") or ""
    pixels = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    return np.asarray(pixels).mean(axis=(0, 1)).tolist()


def wait_for_colour(page: Page, wanted: str) -> None:
    """Wait until what the network sees is nearly all red, or nearly all blue.

    A move is answered in several steps: the component sends at most every 200 ms, and the app
    may be at work on an earlier place. Only the end counts.
    """

    def is_wanted() -> bool:
        red, _, blue = colour(page)
        much, little = (red, blue) if wanted == "red" else (blue, red)
        return much > 200 and little < 40

    eventually(page, is_wanted, f"It is not {wanted}.")
