"""The cars page in a real browser: correct a mask by mouse, keyboard and finger."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from tests import red_cars
from tests.browser.cars.stage import (
    SIZE,
    canvas,
    downloaded,
    metric,
    save,
    tool,
    upload,
    wait_for_photo,
)
from zoo.segmentation import masks


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
