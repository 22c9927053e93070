"""The cars page in a real browser, with a stand-in for the network: whatever is red is car."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests import red_cars
from tests.browser.waiting import settled
from training.benchmarks.pages.page_wait import app
from zoo.segmentation import masks

SIZE = (1500, 900)  # larger than what is shown, so that a download of the shown size would differ
CORNER, BODY = (5, 5), (600, 600)  # pixels of that photo: street, car

# A camera that shows a red rectangle on gray, for a browser without one.
CAMERA = """
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
  const context = canvas.getContext("2d");
  setInterval(() => {
    context.fillStyle = "rgb(120 120 120)"; context.fillRect(0, 0, 640, 480);
    context.fillStyle = "rgb(220 30 30)"; context.fillRect(160, 240, 320, 120);
  }, 100);
  return canvas.captureStream(10);
};
"""


@pytest.fixture(scope="module")
def red_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an app whose car network is the stand-in."""
    path = red_cars.write(tmp_path_factory.mktemp("zoo"))
    with app(("-m", "tests.red_cars", str(path))) as address:
        yield address


@pytest.fixture
def cars(stay, red_url) -> Page:
    """The page that tests hand on to each other: a new photo begins anew, see `upload`."""
    page = stay(f"{red_url}/cars")
    expect(page.locator(".stage")).to_have_attribute("data-shown", re.compile(r"^\d"))
    return page


def shown(page: Page) -> int:
    """Return the number of the photo that the stage has drawn."""
    return int((page.locator(".stage").get_attribute("data-shown") or "").partition("-")[0])


def wait_for_photo(page: Page, number: int) -> None:
    """Wait until the stage has drawn the photo with this number."""
    expect(page.locator(".stage")).to_have_attribute("data-shown", str(number))


def upload(page: Page, photo: Image.Image | None = None) -> None:
    before = shown(page)
    hand_in(page, "street.png", png(photo or red_cars.street(*SIZE)))
    wait_for_photo(page, before + 1)
    if not view(page, "Overlay").is_checked():  # the one thing that another photo leaves as it was
        view(page, "Overlay").click()


def hand_in(page: Page, name: str, contents: bytes) -> None:
    """Choose a photo of one's own, as a visitor does."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Your photo of a car").click()
    chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": contents})


def choose(uploader: Locator, name: str, contents: bytes) -> None:
    """Hand a file to a file uploader."""
    field = uploader.locator("xpath=ancestor-or-self::*[@data-testid='stFileUploader'][1]")
    field.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": contents}
    )


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def canvas(page: Page) -> np.ndarray:
    """Return what the stage shows, int (height, width, 3)."""
    address = page.locator(".stage canvas").evaluate("c => c.toDataURL('image/png')")
    contents = base64.b64decode(address.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(contents)).convert("RGB")).astype(int)


def tinted(page: Page) -> float:
    """Return the share of the stage that is not as gray as the street or darker."""
    pixels = canvas(page)
    return float(np.mean(pixels.max(axis=2) - pixels.min(axis=2) > 12))


def metric(page: Page, label: str) -> Locator:
    found = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return found.get_by_test_id("stMetricValue")


def save(page: Page, button: str) -> tuple[str, bytes]:
    """Click a download button; return the file's name and contents."""
    with page.expect_download() as found:
        page.get_by_role("button", name=button).click()
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


def test_first_state_shows_a_sample_and_another_can_be_clicked(visit, red_url):
    cars = visit(f"{red_url}/cars")
    wait_for_photo(cars, 1)
    expect(cars.locator(".strip button").first).to_have_attribute("aria-pressed", "true")
    expect(metric(cars, "Car area")).to_contain_text("%")
    expect(cars.get_by_role("button", name="Cut-out, PNG")).to_be_visible()
    before = canvas(cars)
    cars.locator(".strip button").nth(5).click()
    wait_for_photo(cars, 2)
    expect(cars.locator(".strip button").nth(5)).to_have_attribute("aria-pressed", "true")
    assert canvas(cars).shape != before.shape or (canvas(cars) != before).any()


def test_the_threshold_follows_at_once_and_the_numbers_when_it_rests(cars):
    upload(cars)
    expect(metric(cars, "Car area")).to_contain_text("12.5 %")
    whole = tinted(cars)
    assert whole == pytest.approx(red_cars.car(*SIZE).mean(), abs=0.02)
    slider = cars.get_by_label("Threshold")
    slider.evaluate("s => { s.value = 90; s.dispatchEvent(new Event('input')); }")  # still dragging
    expect(cars.locator(".stage output")).to_have_text("90 %")
    assert tinted(cars) < whole + 0.001
    middle, pink = canvas(cars)[400, 400], canvas(cars)[400, 720]
    assert middle[2] > 100  # violet on red
    assert pink[2] < 100  # darkened, as everything outside
    expect(metric(cars, "Car area")).to_contain_text("12.5 %")
    slider.evaluate("s => s.dispatchEvent(new Event('change'))")
    expect(metric(cars, "Car area")).to_contain_text("9.4 %")
    cars.get_by_role("button", name="Reset").click()
    expect(metric(cars, "Car area")).to_contain_text("12.5 %")
    slider.press("ArrowRight")
    expect(cars.locator(".stage output")).to_have_text("41 %")


def view(page: Page, name: str) -> Locator:
    return page.locator(".views").get_by_role("radio", name=name)


def tool(page: Page, name: str) -> Locator:
    return page.locator(".tools").get_by_role("radio", name=name)


def test_views_and_the_comparison_with_the_photo(cars):
    upload(cars)
    body, pink, street = (400, 400), (400, 720), (50, 50)
    view(cars, "Probability").click()
    shown = canvas(cars)
    assert shown[body].min() > 220
    assert shown[street].max() < 40
    view(cars, "Uncertain").click()
    shown = canvas(cars)
    assert shown[pink][0] > shown[pink][1] > shown[pink][2]  # amber
    assert shown[body].max() < 120
    view(cars, "Uncertain").press("ArrowLeft")
    expect(view(cars, "Probability")).to_be_checked()
    view(cars, "Outline").click()
    shown = canvas(cars)
    assert tuple(shown[body]) == red_cars.RED
    assert tuple(shown[street]) == red_cars.GRAY
    box = cars.locator(".stage canvas").bounding_box()
    cars.mouse.move(box["x"] + 20, box["y"] + 50)
    cars.mouse.down()
    cars.mouse.move(box["x"] + box["width"] - 1, box["y"] + 50, steps=4)
    cars.mouse.up()
    view(cars, "Probability").click()
    assert tuple(canvas(cars)[body]) == red_cars.RED  # now the photo covers the whole stage


def test_the_slider_shows_an_effect_in_every_view(cars):
    upload(cars)
    slider = cars.get_by_label("Threshold")
    usual = slider.input_value()
    for name in ("Overlay", "Cut-out", "Outline", "Probability", "Uncertain"):
        view(cars, name).click()
        before = canvas(cars)
        slider.evaluate("s => { s.value = 90; s.dispatchEvent(new Event('input')); }")
        changed = np.abs(canvas(cars) - before).max(axis=2) > 20
        rows, columns = np.nonzero(changed)
        assert len(rows), f"{name}: nothing changed"
        pink = columns[(rows > 310) & (rows < 455)]
        share = np.mean((pink > 620) & (pink < 790))
        assert share > 0.9, f"{name}: it changes where the pink part is"
        slider.evaluate(f"s => {{ s.value = {usual}; s.dispatchEvent(new Event('input')); }}")


def test_the_cut_out_is_a_view_that_follows_threshold_background_and_trim(cars):
    upload(cars)
    body, pink, street = (400, 400), (400, 720), (50, 50)
    view(cars, "Cut-out").click()
    shown = canvas(cars)
    assert tuple(shown[body]) == red_cars.RED
    assert shown[street].min() > 200  # the checkerboard
    cars.get_by_label("Threshold").evaluate(
        "s => { s.value = 96; s.dispatchEvent(new Event('input')); }"
    )
    assert canvas(cars)[pink].min() > 200, "the pink part is gone with the background"
    cars.get_by_role("button", name="Reset").click()
    view(cars, "Overlay").click()
    cars.get_by_role("radio", name="Colour").click()
    expect(view(cars, "Cut-out")).to_be_checked()  # whoever chooses a background wants to see it
    cars.wait_for_function(
        """() => { const c = [...document.querySelectorAll('*')].map((e) => e.shadowRoot)
          .find((r) => r?.querySelector('.stage')).querySelector('canvas');
          return c.getContext('2d').getImageData(50, 50, 1, 1).data.join() === '91,91,214,255'; }"""
    )
    cars.get_by_text("Trim to the car").click()
    expect(cars.get_by_text("the cut-out trimmed to the car")).to_be_visible()
    _, contents = save(cars, "Image, JPEG")
    assert Image.open(io.BytesIO(contents)).size == (780, 255)  # 750 × 225 and 2 % of room
    cars.get_by_text("Trim to the car").click()
    expect(cars.get_by_text("the cut-out trimmed to the car")).to_have_count(0)
    transparent_again(cars)


def transparent_again(page: Page) -> None:
    """Choose no background, for the next test."""
    page.get_by_role("radio", name="Transparent").click()
    expect(page.get_by_role("button", name="Image, JPEG")).to_have_count(0)
    expect(page.get_by_role("button", name="Cut-out, PNG")).to_be_visible()


def test_what_the_network_half_believes_floats_in_no_cut_out(cars):
    pixels = np.array(red_cars.two_cars(*SIZE))
    pixels[400:600, 1100:1350] = (150, 82, 82)  # p ≈ 0.34, in reach of the soft edge at 0.4
    upload(cars, Image.fromarray(pixels))
    ghost, car = (350, 820), (350, 300)
    view(cars, "Cut-out").click()
    assert canvas(cars)[ghost].min() > 200  # the checkerboard
    assert tuple(canvas(cars)[car]) == red_cars.RED
    cut = Image.open(io.BytesIO(save(cars, "Cut-out, PNG")[1]))
    assert cut.getpixel((1200, 500)) == (0, 0, 0, 0)
    cars.get_by_label("Threshold").evaluate(
        "s => { s.value = 25; s.dispatchEvent(new Event('input')); }"
    )
    assert canvas(cars)[ghost].min() < 200, "above the threshold it is there"


def drag(page: Page, *points: tuple[float, float]) -> None:
    """Drag the mouse over the photo, from point to point, in shares of its width and height."""
    pad = page.locator(".stage .pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def downloaded(page: Page, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return the mask that the page gives, bool (height, width)."""
    return masks.read(save(page, "Mask, PNG")[1], size)


def test_a_box_leaves_the_neighbour_out_of_view_numbers_and_files_and_undo_brings_it_back(cars):
    upload(cars, red_cars.two_cars(*SIZE))
    neighbour = (350, 820)  # row and column on the stage, which is 1024 × 614
    before = metric(cars, "Car area").inner_text()
    whole = downloaded(cars)
    assert canvas(cars)[neighbour][2] > 100  # violet on red
    tool(cars, "Keep a box").click()
    drag(cars, (0.02, 0.3), (0.6, 0.95))
    expect(metric(cars, "Car area")).not_to_have_text(before)
    assert canvas(cars)[neighbour][2] < 60  # darkened, as everything outside
    alone = red_cars.car_of_two(*SIZE)
    assert masks.iou(downloaded(cars), alone) > 0.99
    cut = Image.open(io.BytesIO(save(cars, "Cut-out, PNG")[1]))
    assert cut.getpixel((1200, 500)) == (0, 0, 0, 0)
    assert cut.getpixel((400, 500)) == (*red_cars.RED, 255)
    cars.get_by_role("button", name="Undo").click()
    expect(metric(cars, "Car area")).to_have_text(before)
    assert np.array_equal(downloaded(cars), whole)


def test_the_brush_erases_and_adds_and_start_over_can_be_undone(cars):
    upload(cars, red_cars.two_cars(*SIZE))
    before = metric(cars, "Car area").inner_text()
    tool(cars, "Erase").click()
    cars.get_by_label("Size of the brush").evaluate(
        "s => { s.value = 40; s.dispatchEvent(new Event('input')); }"
    )
    drag(cars, (0.7, 0.56), (0.92, 0.56))
    expect(metric(cars, "Car area")).not_to_have_text(before)
    found = downloaded(cars)
    assert masks.iou(found, red_cars.car_of_two(*SIZE)) > 0.98
    tool(cars, "Add").click()
    erased = metric(cars, "Car area").inner_text()
    drag(cars, (0.2, 0.1), (0.4, 0.1))
    expect(metric(cars, "Car area")).not_to_have_text(erased)
    found = downloaded(cars)
    assert found[90, 300:600].all()
    assert not found[90, 800:].any()
    cars.get_by_role("button", name="Start over").click()
    expect(metric(cars, "Car area")).to_have_text(before)
    cars.get_by_role("button", name="Undo").click()
    expect(metric(cars, "Car area")).not_to_have_text(before)
    assert np.array_equal(downloaded(cars), found)


def test_a_box_by_keyboard_alone(cars):
    upload(cars, red_cars.two_cars(*SIZE))
    before = metric(cars, "Car area").inner_text()
    tool(cars, "Compare").focus()
    cars.keyboard.press("ArrowRight")
    expect(tool(cars, "Keep a box")).to_be_checked()
    cars.locator(".stage .pad").focus()
    for key, times in (("ArrowLeft", 9), ("ArrowUp", 9), ("Space", 1)):
        for _ in range(times):
            cars.keyboard.press(f"Shift+{key}" if key != "Space" else key)
    for key, times in (("ArrowRight", 11), ("ArrowDown", 18)):
        for _ in range(times):
            cars.keyboard.press(f"Shift+{key}")
    cars.keyboard.press("Enter")
    expect(metric(cars, "Car area")).not_to_have_text(before)
    assert masks.iou(downloaded(cars), red_cars.car_of_two(*SIZE)) > 0.99
    cars.locator(".stage .pad").press("Control+z")
    expect(metric(cars, "Car area")).to_have_text(before)


def test_a_finger_draws_the_box_on_a_phone(visit, red_url):
    page = visit(f"{red_url}/cars", viewport={"width": 390, "height": 844}, has_touch=True)
    wait_for_photo(page, 1)
    upload(page, red_cars.two_cars(*SIZE))
    before = metric(page, "Car area").inner_text()
    tool(page, "Keep a box").tap()
    pad = page.locator(".stage .pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    touch = page.context.new_cdp_session(page)
    places = [
        {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        for x, y in ((0.02, 0.3), (0.2, 0.5), (0.4, 0.7), (0.6, 0.95))
    ]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": places[:1]})
    for place in places[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(metric(page, "Car area")).not_to_have_text(before)
    assert masks.iou(downloaded(page), red_cars.car_of_two(*SIZE)) > 0.99


def test_downloads_have_the_photos_own_size_and_the_background_may_be_another(cars):
    upload(cars)
    name, contents = save(cars, "Mask, PNG")
    assert name == "street_mask.png"
    mask = masks.read(contents, SIZE)
    assert masks.iou(mask, red_cars.car(*SIZE)) > 0.99
    name, contents = save(cars, "Cut-out, PNG")
    assert name == "street_cutout.png"
    cut = Image.open(io.BytesIO(contents))
    assert (cut.mode, cut.size) == ("RGBA", SIZE)
    assert cut.getpixel(CORNER) == (0, 0, 0, 0)
    assert cut.getpixel(BODY) == (*red_cars.RED, 255)
    cars.get_by_role("radio", name="Colour").click()
    name, contents = save(cars, "Image, JPEG")
    assert name == "street_background.jpg"
    photo = Image.open(io.BytesIO(contents))
    assert (photo.format, photo.size) == ("JPEG", SIZE)
    assert np.abs(np.subtract(photo.getpixel(CORNER), (0x5B, 0x5B, 0xD6))).max() < 8
    assert np.abs(np.subtract(photo.getpixel(BODY), red_cars.RED)).max() < 8
    cars.get_by_role("radio", name="Image").click()
    expect(cars.get_by_role("button", name="Cut-out, PNG")).to_be_visible()  # none chosen yet
    choose(cars.get_by_label("Another image"), "sky.png", png(Image.new("RGB", (50, 90), "blue")))
    _, contents = save(cars, "Image, JPEG")
    corner = Image.open(io.BytesIO(contents)).getpixel(CORNER)
    assert corner[2] > 240
    assert max(corner[:2]) < 12
    transparent_again(cars)


def test_wrong_files_and_an_image_without_a_car_get_a_sentence(cars):
    upload(cars)
    cars.get_by_text("Compare with a true mask").click()
    truth = cars.get_by_label("The true mask")
    choose(truth, "small.png", masks.png(red_cars.car(300, 180)))
    expect(cars.get_by_test_id("stAlert")).to_contain_text(
        "The mask has 300 × 180 pixels and the photo 1500 × 900"
    )
    choose(truth, "true.png", masks.png(red_cars.car(*SIZE)))
    expect(metric(cars, "Boundary IoU")).to_contain_text("%")
    expect(metric(cars, "IoU")).to_contain_text(re.compile(r"99\.\d\d\s%|100\s%"))
    expect(cars.get_by_test_id("stAlert")).to_have_count(0)
    hand_in(cars, "a.png", b"only text")
    expect(cars.get_by_test_id("stAlert")).to_contain_text("This is not an image")
    expect(cars.locator(".stage")).to_have_count(1)  # the photo before it stays
    assert "Traceback" not in cars.content()
    hand_in(cars, "gray.png", png(Image.new("RGB", (300, 200), red_cars.GRAY)))
    expect(cars.get_by_text("No car found")).to_be_visible()
    expect(cars.get_by_role("button", name="Cut-out, PNG")).to_have_count(0)


def test_several_images_give_a_zip_of_masks_and_cut_outs(cars):
    uploader = cars.locator(".st-key-batch")
    uploader.locator("input[type=file]").set_input_files(
        [
            {"name": f"{name}.png", "mimeType": "image/png", "buffer": contents}
            for name, contents in (
                ("a", png(red_cars.street(*SIZE))),
                ("b", png(red_cars.street(320, 200))),
                ("c", b"only text"),
            )
        ]
    )
    cars.get_by_role("button", name="Cut out 3 photos").click()
    name, contents = save(cars, "masks.zip")
    assert name == "masks.zip"
    found = zipfile.ZipFile(io.BytesIO(contents))
    assert found.namelist() == [
        *("a_mask.png", "a_cutout.png", "b_mask.png", "b_cutout.png", "masks.csv"),
    ]
    assert masks.iou(masks.read(found.read("a_mask.png"), SIZE), red_cars.car(*SIZE)) > 0.99
    assert masks.iou(masks.read(found.read("b_mask.png")), red_cars.car(320, 200)) > 0.99
    expect(cars.get_by_text("c.png: This is not an image")).to_be_visible()
    expect(cars.locator(".gallery figure")).to_have_count(2)
    navigation = cars.get_by_test_id("stSidebarNav")
    navigation.get_by_role("link", name="Overview").click()
    expect(cars.get_by_role("heading", name="CNN-Lytical")).to_be_visible()
    navigation.get_by_role("link", name="Cars").click()
    assert save(cars, "masks.zip")[1] == contents  # it outlives the visit


def test_the_largest_component_alone_is_drawn(cars):
    upload(cars, red_cars.two_cars())
    number = shown(cars)
    before = metric(cars, "Car area").inner_text()
    cars.get_by_text("Largest of 2 components").click()
    expect(cars.locator(".stage")).to_have_attribute("data-shown", f"{number}-largest")
    expect(metric(cars, "Car area")).not_to_have_text(before)


def test_a_photo_from_the_camera_is_cut_out(cars):
    cars.evaluate(CAMERA)
    expect(cars.get_by_test_id("stCameraInput")).to_have_count(0)  # not before it is wanted
    cars.get_by_role("button", name="Take a photo").click()
    # Streamlit's button takes nothing, and says nothing, before the video has its first frame.
    cars.wait_for_function("document.querySelector('video')?.videoHeight > 0")
    before = shown(cars)
    cars.get_by_role("button", name="Take Photo").click()
    wait_for_photo(cars, before + 1)
    expect(metric(cars, "Car area")).to_contain_text("12.5 %")


def test_the_photo_and_its_threshold_survive_a_visit_to_another_page(cars):
    upload(cars)
    number = shown(cars)
    slider = cars.get_by_label("Threshold")
    slider.evaluate(
        "s => { s.value = 90; for (const kind of ['input', 'change'])"
        " s.dispatchEvent(new Event(kind)); }"
    )
    expect(metric(cars, "Car area")).to_contain_text("9.4 %")
    navigation = cars.get_by_test_id("stSidebarNav")
    navigation.get_by_role("link", name="Overview").click()
    expect(cars.get_by_role("heading", name="CNN-Lytical")).to_be_visible()
    navigation.get_by_role("link", name="Cars").click()
    wait_for_photo(cars, number)
    expect(cars.locator(".stage output")).to_have_text("90 %")
    expect(metric(cars, "Car area")).to_contain_text("9.4 %")


def test_a_model_of_the_host_s_own_is_chosen_and_compared(visit, tmp_path, monkeypatch):
    own = red_cars.write_own(tmp_path / "own", "strict", threshold=0.9, labels=["bike"])
    monkeypatch.setenv("ZOO_EXTRA", str(own))
    path = red_cars.write(tmp_path / "zoo")
    with app(("-m", "tests.red_cars", str(path))) as address:
        page = visit(f"{address}/cars")
        wait_for_photo(page, 1)
        page.get_by_text("Compare with another network").click()
        settled(page)  # a list that opens while its box still unfolds closes again
        page.get_by_role("combobox", name="Second").click()
        page.get_by_role("option", name="strict").click()
        expect(page.get_by_alt_text("Where the two masks differ")).to_be_visible()
        expect(page.get_by_text("carvana alone")).to_contain_text("strict alone, 0 %")
        page.get_by_role("radio", name="strict").click()
        expect(metric(page, "Bike area")).to_contain_text("%")
        expect(page).to_have_url(re.compile(r"network=strict"))
        page.close()
