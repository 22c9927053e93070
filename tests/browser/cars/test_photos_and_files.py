"""The cars page in a real browser: photos of all kinds in, masks and cut-outs out."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from tests import red_cars
from tests.browser.cars.stage import (
    SIZE,
    choose,
    hand_in,
    metric,
    png,
    save,
    shown,
    transparent_again,
    upload,
    wait_for_photo,
)
from tests.browser.waiting import settled
from training.benchmarks.pages.page_wait import app
from zoo.segmentation import masks

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
