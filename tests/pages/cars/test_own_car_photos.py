"""A visitor's own photo: what it may be, and what is said when it cannot be read."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import zoo
from pages.common import number_format
from pages.components.mask_viewer import mask_viewer
from pages.sections.segmentation import segmented_photo
from tests import red_cars
from tests.pages import read
from tests.pages.cars.on_the_page import image_in, is_one_sentence, percent, png, staged, upload
from zoo.segmentation import mask_edits, masks


def test_an_upload_is_cut_out(cars):
    upload(cars, png(red_cars.street()))
    mask = image_in(staged(cars)["probabilities"]) > 127
    assert np.array_equal(mask, red_cars.car())
    assert percent(cars, "Car area") == pytest.approx(red_cars.car().mean(), abs=0.0006)
    pink = red_cars.car() & ~red_cars.car(pink=False)
    # The edges, scaled up from the working size, are unsure as well.
    assert percent(cars, "Uncertain") == pytest.approx(pink.mean(), abs=0.004)
    labels = [button.proto.label for button in cars.get("download_button")]
    assert labels[:2] == ["Cut-out, PNG", "Mask, PNG"]


def test_the_visitors_own_photo_stays_at_hand(cars):
    (zone,) = read.components(cars, "drop_zone")
    assert (zone["yours"], zone["chosen"]) == (None, False)
    upload(cars, png(red_cars.street()))
    (zone,) = read.components(cars, "drop_zone")
    assert image_in(zone["yours"]).shape[1] == 96
    assert zone["chosen"]


def test_an_image_without_a_car_says_so(cars):
    upload(cars, png(Image.new("RGB", (300, 200), red_cars.GRAY)))
    assert "No car found" in cars.info[0].value
    assert percent(cars, "Car area") == 0
    assert staged(cars)  # the maps are there, to see why
    labels = [button.proto.label for button in cars.get("download_button")]
    assert not labels


def test_what_the_network_is_unsure_of_is_no_car_until_somebody_says_so(cars, monkeypatch):
    answer = zoo.Segmenter.predict

    def strict(model, *arguments, **options):
        return replace(answer(model, *arguments, **options), min_confidence=0.9)

    monkeypatch.setattr(zoo.Segmenter, "predict", strict)
    upload(cars, png(Image.new("RGB", (300, 200), red_cars.PINK)))
    said = cars.info[0].value.replace(number_format.NBSP, " ")
    assert "No car found" in said
    assert re.search(r"only 8\d\.\d % sure of what it marks, and of a car at least 90\.0 %", said)
    assert not cars.get("download_button")
    seen = segmented_photo.look(zoo.load("carvana"), png(red_cars.street()), "street")
    unsure = replace(seen, result=replace(seen.result, min_confidence=1.0))
    assert not unsure.found(0.5)
    assert unsure.edited((mask_edits.Box(0.0, 0.0, 1.0, 1.0),)).found(0.5), (
        "somebody has drawn a box around it"
    )


@pytest.mark.parametrize(
    "contents", [b"only text", png(Image.new("L", (3, 3)))], ids=["text", "tiny"]
)
def test_a_wrong_file_gets_a_sentence_and_the_photo_before_it_stays(cars, contents):
    sample = staged(cars)["photo"]
    upload(cars, contents)
    assert is_one_sentence(cars.error[0].value)
    assert staged(cars)["photo"] == sample
    upload(cars, png(red_cars.street()))
    assert not cars.error
    assert np.array_equal(image_in(staged(cars)["probabilities"]) > 127, red_cars.car())
    upload(cars, contents)
    assert is_one_sentence(cars.error[0].value)
    assert np.array_equal(image_in(staged(cars)["probabilities"]) > 127, red_cars.car())
    cars.switch_page("pages/digits.py").run()  # and after leaving and coming back
    cars.switch_page("pages/cars.py").run()
    assert not cars.exception
    assert np.array_equal(image_in(staged(cars)["probabilities"]) > 127, red_cars.car())


@pytest.mark.parametrize("error", [RuntimeError("nobody foresaw this"), MemoryError()])
def test_what_nobody_foresaw_loses_nothing_either(cars, monkeypatch, error, caplog):
    def fail(*_):
        raise error

    monkeypatch.setattr(zoo.Segmenter, "predict", fail)
    upload(cars, png(red_cars.street()))
    assert is_one_sentence(cars.error[0].value)
    assert staged(cars)
    assert caplog.records[-1].exc_info[1] is error, "the log says what it was"
    monkeypatch.undo()
    upload(cars, png(red_cars.street()))
    assert not cars.error
    assert np.array_equal(image_in(staged(cars)["probabilities"]) > 127, red_cars.car())


@pytest.mark.parametrize("size", [(65_535, 8), (8, 9_000), (8, 8)])
def test_an_image_of_an_odd_shape_is_looked_at(cars, size):
    upload(cars, png(Image.new("RGB", size, red_cars.RED)))
    assert not cars.error
    assert percent(cars, "Car area") == 1


@pytest.mark.parametrize(("name", "kind"), [("a.jfif", "JPEG"), ("a.avif", "AVIF"), ("a", "PNG")])
def test_what_a_file_is_its_content_says_and_not_its_name(cars, name, kind):
    buffer = io.BytesIO()
    try:
        red_cars.street().save(buffer, kind)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {kind}")
    upload(cars, buffer.getvalue(), name)
    assert not cars.error
    found = image_in(staged(cars)["probabilities"]) > 127
    assert masks.iou(found, red_cars.car()) > 0.97


def test_a_large_photo_is_kept_small_and_answered_for_in_full(model):
    photo = red_cars.street(2000, 1250)
    seen = segmented_photo.look(model, png(photo), "large.png")
    assert seen.size == (2000, 1250)
    assert max(seen.shown.size) == mask_viewer.SIDE
    assert seen.result.probabilities.shape == seen.shown.size[::-1]
    full = seen.full().probabilities
    assert np.array_equal(full, model.predict(photo).probabilities)
    assert seen.area(red_cars.THRESHOLD) == pytest.approx(seen.full().area, abs=0.002)
