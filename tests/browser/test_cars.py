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
def cars(visit, red_url) -> Page:
    page = visit(f"{red_url}/cars")
    wait_for_photo(page, 1)
    return page


def wait_for_photo(page: Page, number: int) -> None:
    """Wait until the stage has drawn the photo with this number."""
    expect(page.locator(".stage")).to_have_attribute("data-shown", str(number))


def upload(page: Page, photo: Image.Image | None = None, number: int = 2) -> None:
    page.locator(".st-key-photo-popover button").click()
    choose(
        page.get_by_label("A photo of a car"), "street.png", png(photo or red_cars.street(*SIZE))
    )
    wait_for_photo(page, number)
    page.keyboard.press("Escape")


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
    return page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))


def save(page: Page, button: str) -> tuple[str, bytes]:
    """Click a download button; return the file's name and contents."""
    with page.expect_download() as found:
        page.get_by_role("button", name=button).click()
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


def test_first_state_shows_a_sample_and_another_can_be_clicked(cars):
    expect(cars.locator(".strip button").first).to_have_attribute("aria-pressed", "true")
    expect(metric(cars, "Car area")).to_contain_text("%")
    expect(cars.get_by_role("heading", name="Cut it out")).to_be_visible()
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


def test_views_and_the_comparison_with_the_photo(cars):
    upload(cars)
    body, pink, street = (400, 400), (400, 720), (50, 50)
    cars.get_by_role("radio", name="Probability").click()
    shown = canvas(cars)
    assert shown[body].min() > 220
    assert shown[street].max() < 40
    cars.get_by_role("radio", name="Uncertain").click()
    shown = canvas(cars)
    assert shown[pink][0] > shown[pink][1] > shown[pink][2]  # amber
    assert shown[body].max() < 120
    cars.get_by_role("radio", name="Uncertain").press("ArrowLeft")
    expect(cars.get_by_role("radio", name="Probability")).to_be_checked()
    cars.get_by_role("radio", name="Outline").click()
    shown = canvas(cars)
    assert tuple(shown[body]) == red_cars.RED
    assert tuple(shown[street]) == red_cars.GRAY
    box = cars.locator(".stage canvas").bounding_box()
    cars.mouse.move(box["x"] + 20, box["y"] + 50)
    cars.mouse.down()
    cars.mouse.move(box["x"] + box["width"] - 1, box["y"] + 50, steps=4)
    cars.mouse.up()
    cars.get_by_role("radio", name="Probability").click()
    assert tuple(canvas(cars)[body]) == red_cars.RED  # now the photo covers the whole stage


def test_mask_and_cut_out_download_at_the_photos_own_size(cars):
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


def test_the_background_becomes_a_colour_or_another_image(cars):
    upload(cars)
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


def test_wrong_files_get_a_sentence(cars):
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
    cars.locator(".st-key-photo-popover button").click()
    choose(cars.get_by_label("A photo of a car"), "a.png", b"only text")
    expect(cars.get_by_test_id("stAlert")).to_contain_text("This is not an image")
    expect(cars.locator(".stage")).to_have_count(1)  # the photo before it stays
    assert "Traceback" not in cars.content()


def test_a_image_without_a_car_says_so(cars):
    upload(cars, Image.new("RGB", (300, 200), red_cars.GRAY))
    expect(cars.get_by_text("No car found")).to_be_visible()
    expect(cars.get_by_role("button", name="Cut-out, PNG")).to_have_count(0)


def test_several_images_give_a_zip_of_masks(cars):
    uploader = cars.get_by_test_id("stFileUploader").last
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
    cars.get_by_role("button", name="Make 3 masks").click()
    name, contents = save(cars, "masks.zip")
    assert name == "masks.zip"
    found = zipfile.ZipFile(io.BytesIO(contents))
    assert found.namelist() == ["a_mask.png", "b_mask.png", "masks.csv"]
    assert masks.iou(masks.read(found.read("a_mask.png"), SIZE), red_cars.car(*SIZE)) > 0.99
    assert masks.iou(masks.read(found.read("b_mask.png")), red_cars.car(320, 200)) > 0.99
    expect(cars.get_by_text("c.png: This is not an image")).to_be_visible()


def test_the_largest_piece_alone_is_drawn(cars):
    upload(cars, red_cars.two_cars())
    before = metric(cars, "Car area").inner_text()
    cars.get_by_text("Only the largest of 2 pieces").click()
    expect(cars.locator(".stage")).to_have_attribute("data-shown", "2-largest")
    expect(metric(cars, "Car area")).not_to_have_text(before)


def test_a_photo_from_the_camera_is_cut_out(cars):
    cars.evaluate(CAMERA)
    expect(cars.get_by_test_id("stCameraInput")).to_have_count(0)  # not before it is wanted
    cars.get_by_role("button", name="Take a photo").click()
    # Streamlit's button takes nothing, and says nothing, before the video has its first frame.
    cars.wait_for_function("document.querySelector('video')?.videoHeight > 0")
    cars.get_by_role("button", name="Take Photo").click()
    wait_for_photo(cars, 2)
    expect(metric(cars, "Car area")).to_contain_text("12.5 %")


def test_the_photo_and_its_threshold_survive_a_visit_to_another_page(cars):
    upload(cars)
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
    wait_for_photo(cars, 2)
    expect(cars.locator(".stage output")).to_have_text("90 %")
    expect(metric(cars, "Car area")).to_contain_text("9.4 %")
