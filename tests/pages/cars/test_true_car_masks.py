"""A mask against the true one: numbers, the map of errors, and which masks are understood."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pages.common import number_format
from pages.images import error_map
from tests import red_cars
from tests.pages.cars.on_the_page import (
    choose,
    forbid_the_network,
    is_one_sentence,
    metrics,
    percent,
    png,
    upload,
)
from zoo.segmentation import masks


def test_a_true_mask_is_measured(cars, monkeypatch):
    upload(cars, png(red_cars.street()))
    key = f"truth-{cars.session_state['cars']['number']}"
    upload(cars, masks.png(red_cars.car()), key=key)
    found = metrics(cars)
    assert found["IoU"] == found["Dice"] == found["Boundary IoU"] == "100\xa0%"
    forbid_the_network(monkeypatch)
    choose(cars, percent=90)
    assert not cars.exception
    part, whole = red_cars.car(pink=False), red_cars.car()
    assert percent(cars, "IoU") == pytest.approx(masks.iou(part, whole), abs=0.002)
    assert percent(cars, "Dice") == pytest.approx(masks.dice(part, whole), abs=0.002)
    missed = number_format.percent(masks.area_fraction(whole & ~part), 1)[:3]
    assert any(f"network missed, {missed}" in text.value for text in cars.markdown)


@pytest.mark.parametrize("white", [1, 26, 255])
def test_a_true_mask_of_class_numbers_is_understood(cars, white):
    upload(cars, png(red_cars.street()))
    truth = png(red_cars.car().astype(np.uint8) * white)
    upload(cars, truth, key=f"truth-{cars.session_state['cars']['number']}")
    assert not cars.error
    assert metrics(cars)["IoU"] == "100\xa0%"


def test_a_true_mask_of_several_classes_is_refused(cars):
    upload(cars, png(red_cars.street()))
    classes = red_cars.car().astype(np.uint8) + (np.arange(640) > 400)
    upload(cars, png(classes), key=f"truth-{cars.session_state['cars']['number']}")
    assert is_one_sentence(cars.error[0].value)
    assert "may be classes" in cars.error[0].value
    assert "IoU" not in metrics(cars)


@pytest.mark.parametrize(
    "contents", [masks.png(red_cars.car(320, 200)), b"only text"], ids=["wrong size", "text"]
)
def test_a_true_mask_that_does_not_fit_gets_a_sentence(cars, contents):
    upload(cars, png(red_cars.street()))
    upload(cars, contents, key=f"truth-{cars.session_state['cars']['number']}")
    assert is_one_sentence(cars.error[0].value)
    assert "IoU" not in metrics(cars)


def test_the_error_map_tells_the_kinds_apart():
    photo = Image.new("RGB", (4, 1), (100, 100, 100))
    predicted, true = np.array([[0, 1, 0, 1]], bool), np.array([[0, 1, 1, 0]], bool)
    outside, hit, missed, alarm = np.asarray(error_map.draw(photo, predicted, true))[0].astype(int)
    assert outside[0] == outside[1] == outside[2]
    assert hit[2] > hit[0]  # violet
    assert missed[0] > missed[1] > missed[2]  # amber
    assert alarm[0] > 2 * alarm[1]  # red
