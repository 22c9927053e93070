"""The cars page in a real browser: samples, threshold, views and the cut-out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests import red_cars
from tests.browser.cars.stage import (
    SIZE,
    canvas,
    metric,
    save,
    shown,
    tinted,
    transparent_again,
    upload,
    view,
    wait_for_photo,
)


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


def test_the_largest_component_alone_is_drawn(cars):
    upload(cars, red_cars.two_cars())
    number = shown(cars)
    before = metric(cars, "Car area").inner_text()
    cars.get_by_text("Largest of 2 components").click()
    expect(cars.locator(".stage")).to_have_attribute("data-shown", f"{number}-largest")
    expect(metric(cars, "Car area")).not_to_have_text(before)
