"""The mask is changed: threshold, largest component, boxes and brush, what stands behind it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pages.components.mask_viewer import mask_viewer
from pages.sections.segmentation import cut_out
from tests import red_cars
from tests.pages.cars.on_the_page import (
    choose,
    forbid_the_network,
    image_in,
    is_one_sentence,
    percent,
    png,
    staged,
    upload,
)
from zoo.segmentation import mask_edits, masks


def test_another_threshold_changes_the_answer_without_asking_the_network(cars, monkeypatch):
    upload(cars, png(red_cars.street()))
    forbid_the_network(monkeypatch)
    choose(cars, percent=90)  # above the probability of what is pink
    assert not cars.exception
    assert percent(cars, "Car area") == pytest.approx(red_cars.car(pink=False).mean(), abs=0.0006)
    assert staged(cars)["threshold"] == 90


def test_the_largest_piece_alone_is_shown_measured_and_cut_out(cars, monkeypatch):
    upload(cars, png(red_cars.two_cars()))
    forbid_the_network(monkeypatch)
    number = cars.session_state["cars"]["number"]
    assert staged(cars)["token"] == str(number)
    both = percent(cars, "Car area")
    toggle = cars.toggle(key=f"largest-{number}")
    assert toggle.label == "Largest of 2 components"
    toggle.set_value(True).run()
    mask = image_in(staged(cars)["probabilities"]) > 127
    assert mask[:, :320].any()
    assert not mask[:, 320:].any()
    assert staged(cars)["token"] == f"{number}-largest", "the stage has to draw it anew"
    assert percent(cars, "Car area") == pytest.approx(mask.mean(), abs=0.0006)
    assert percent(cars, "Car area") < both
    cars.toggle(key=f"largest-{number}").set_value(False).run()
    assert percent(cars, "Car area") == both


def test_one_piece_leaves_nothing_to_choose(cars):
    upload(cars, png(red_cars.street()))
    assert cars.toggle(key=f"largest-{cars.session_state['cars']['number']}").disabled


LEFT_HALF = [{"kind": "box", "box": [0.0, 0.0, 0.5, 1.0]}]


GOOD = {"token": "3", "percent": 37, "view": "cutout", "edits": LEFT_HALF}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (GOOD, mask_viewer.Choice(37, "cutout", LEFT_HALF)),
        (GOOD | {"token": "2"}, None),  # meant for the photo before
        *((GOOD | {"percent": value}, None) for value in (None, "50", 0, 100, 50.5, True, [50])),
        *((GOOD | {"view": value}, None) for value in (None, "nothing", 3)),
        *((GOOD | {"edits": value}, None) for value in (None, "box", [{"kind": "eat"}])),
        *((value, None) for value in (None, 50, "50", [], {})),
    ],
)
def test_the_stage_accepts_a_choice_and_nothing_else(monkeypatch, sent, expected):
    monkeypatch.setattr(mask_viewer.st, "session_state", {"stage": {"chosen": sent}})
    assert mask_viewer.chosen("stage", "3") == expected


def test_a_neighbour_is_left_out_of_numbers_and_files(cars, monkeypatch):
    photo = red_cars.two_cars(2000, 1250)
    upload(cars, png(photo))
    forbid_the_network(monkeypatch)
    both = percent(cars, "Car area")
    choose(cars, edits=LEFT_HALF)
    alone = red_cars.car_of_two(2000, 1250)
    assert percent(cars, "Car area") == pytest.approx(alone.mean(), abs=0.001)
    assert percent(cars, "Car area") < both
    now = cars.session_state["cars"]
    seen = now["scene"].edited(mask_edits.read(LEFT_HALF))
    assert masks.iou(seen.full().mask_at(red_cars.THRESHOLD), alone) > 0.99
    assert now["scene"].full().mask.sum() > 1.1 * alone.sum(), "the photo itself is not changed"
    wanted = cut_out.Look(trim=True)
    cut = Image.open(io.BytesIO(cut_out.encoded(seen, red_cars.THRESHOLD, wanted)))
    rows, columns = np.nonzero(alone)
    assert cut.width == pytest.approx((np.ptp(columns) + 1) * 1.04, abs=8)
    assert cut.height == pytest.approx(np.ptp(rows) + 1 + 0.04 * np.ptp(columns), abs=8)
    whole = Image.open(
        io.BytesIO(cut_out.encoded(seen, red_cars.THRESHOLD, cut_out.Look("Colour", "#0000ff")))
    )
    assert (whole.format, whole.size) == ("JPEG", photo.size)
    choose(cars, edits=[*LEFT_HALF, {"kind": "clear"}])
    assert percent(cars, "Car area") == both


def test_backgrounds(cars):
    upload(cars, png(red_cars.street()))
    cars.button_group(key="background").set_value("Colour").run()
    labels = [button.proto.label for button in cars.get("download_button")]
    assert labels[0] == "Image, JPEG"
    cars.button_group(key="background").set_value("Image").run()
    upload(cars, b"only text", key="backdrop")
    assert is_one_sentence(cars.error[0].value)
    upload(cars, png(Image.new("RGB", (50, 90), "blue")), key="backdrop")
    assert not cars.error
