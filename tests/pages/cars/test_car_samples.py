"""What the page begins with: a sample photo, what a link says, the record."""

from __future__ import annotations

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import zoo
from pages.common import number_format, site
from tests import red_cars
from tests.pages import read
from tests.pages.cars.on_the_page import image_in, metrics, percent, staged
from zoo.samples import samples


def test_it_starts_with_a_sample_and_what_the_network_says(cars, model):
    sample = samples("cars")[0]
    result = model.predict(sample.path)
    shown = image_in(staged(cars)["probabilities"])
    assert np.abs(shown / 255 - result.probabilities).max() <= 0.5 / 255 + 1e-6
    assert image_in(staged(cars)["photo"]).shape == (*shown.shape, 3)
    assert percent(cars, "Car area") == pytest.approx(result.area, abs=0.0006)
    assert sample.credit in [caption.value for caption in cars.caption]
    (strip,) = read.components(cars, "thumbnails")
    assert [group["title"] for group in strip["groups"]] == ["Try one", "Hard ones"]
    typical, hard = ([item["id"] for item in group["items"]] for group in strip["groups"])
    assert typical == [s.id for s in samples("cars") if s.group == "typical"]
    assert hard[:-1] == [s.id for s in samples("cars") if s.group == "hard"]
    assert hard[-1] in [s.id for s in samples("objects") if s.group == "none"]
    assert strip["selected"] == sample.id


LINK = {"sample": "white-coupe-side", "threshold": "73", "view": "cutout", "trim": "1"}


def test_a_link_holds_what_one_sees(cars):
    cars.switch_page("pages/digits.py").run()
    cars.switch_page("pages/cars.py")
    for name, value in (LINK | {"background": "3f9d8f"}).items():
        cars.query_params[name] = value
    cars.run()
    assert not cars.exception
    shown = staged(cars)
    assert (shown["threshold"], shown["view"], shown["trim"]) == (73, "cutout", True)
    assert shown["background"]["colour"] == "#3f9d8f"
    assert read.components(cars, "thumbnails")[0]["selected"] == "white-coupe-side"
    (held,) = read.components(cars, "link")
    assert held["choices"] == LINK | {"background": "3f9d8f", "largest": None}


def test_a_link_that_makes_no_sense_changes_nothing(cars):
    before = staged(cars)
    cars.switch_page("pages/digits.py").run()
    cars.switch_page("pages/cars.py")
    for name, value in {
        "sample": "no",
        "threshold": "100",
        "view": "x",
        "background": "re",
    }.items():
        cars.query_params[name] = value
    cars.run()
    assert not cars.exception
    after = staged(cars)
    assert (after["threshold"], after["view"], after["photo"]) == (
        before["threshold"],
        before["view"],
        before["photo"],
    )
    (held,) = read.components(cars, "link")
    assert not any(held["choices"].values()), "what is as usual needs no place in a link"


def tables(app: AppTest) -> list[list[dict[str, str]]]:
    """Return the page's tables of texts, a mapping a row."""
    found = []
    for element in app.get("html"):
        rows = re.findall(r"<tr>(.*?)</tr>", element.proto.body)
        cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
        if cells:
            found.append([dict(zip(cells[0], row, strict=True)) for row in cells[1:]])
    return found


def test_the_record_is_told(cars, model):
    test, streets = (model.record["metrics"][part] for part in ("test", "test_streets"))
    found = metrics(cars)
    for label, name in (
        ("Test IoU", "iou"),
        ("Test Dice", "dice"),
        ("Test Boundary IoU", "boundary_iou"),
        ("Worst image, IoU", "worst"),
    ):
        assert found[label] == number_format.percent(test[name], 2)
    assert any(number_format.percent(streets["iou"], 1) in text.value for text in cars.markdown)
    by_car, worst = tables(cars)
    letters = dict(zip(["Car\xa0A", "Car\xa0B"], sorted(red_cars.CARS), strict=True))
    assert {row["Car"]: int(row["n"]) for row in by_car} == {
        letter: len(red_cars.CARS[name]) for letter, name in letters.items()
    }
    assert {row["Car"] for row in worst} <= set(letters)
    expected = sorted(test["images"].values())[:5]
    assert [row["IoU"] for row in worst] == [number_format.percent(iou, 2) for iou in expected]
    read.to_the_end(cars)
    assert len(cars.get("plotly_chart")) == 3
    commands = " ".join(code.value for code in cars.code)
    assert "python -m training.evaluate carvana" in commands
    assert model.record["command"] in commands


def test_without_the_model_there_is_no_page():
    shown = [entry.path for entry in site.entries()]
    assert ("pages/cars.py" in shown) == ("carvana" in zoo.list_models())
