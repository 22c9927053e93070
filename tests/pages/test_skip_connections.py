"""The page "Skip connections", without a browser: all are cut, and can be put back one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

import zoo
from pages.common import number_format
from pages.sections.segmentation import skip_training
from tests import cars
from tests.hub import tiny
from tests.pages import read
from tests.pages.conftest import open_page
from zoo.samples import samples


@pytest.fixture(scope="module")
def zoo_of_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    models = {"mnist": tiny.model_files(), "carvana": cars.model_files()}
    with tiny.stand_in(tmp_path_factory.mktemp("zoo"), models):
        yield


@pytest.fixture
def page(zoo_of_two: None) -> AppTest:
    return open_page("skip_connections")


def iou(page: AppTest) -> float:
    (found,) = [metric for metric in page.metric if metric.label.startswith("IoU")]
    return float(re.findall(r"[\d.]+", found.value)[0]) / 100


def expected(page: AppTest, kept: set[int], fill: str = "zero") -> float:
    """Return the IoU that the library measures with some connections in place."""
    model = zoo.load("carvana")
    view = page.session_state["skips"]["view"]
    found = [s.joins for s in zoo.explain.skips(model, view) if s.joins.startswith("up")][::-1]
    cut = [joins for number, joins in enumerate(found) if number not in kept]
    return zoo.explain.mask_without_skips(model, view, cut, fill).iou


def test_all_are_cut_at_first_and_can_be_put_back_one_by_one(page):
    assert not page.exception
    assert iou(page) == pytest.approx(expected(page, set()), abs=0.001)
    masks = read.components(page, "gallery")[0]["items"]
    assert [item["title"] for item in masks] == ["With none", "With all", "What differs"]
    page.button_group(key="skip-kept").set_value([0]).run()
    assert not page.exception
    assert iou(page) == pytest.approx(expected(page, {0}), abs=0.001)
    assert read.components(page, "gallery")[0]["items"][0]["title"] == "With 1 of 2"
    page.button_group(key="skip-kept").set_value([0, 1]).run()
    assert iou(page) == 1
    masks = read.components(page, "gallery")[0]["items"]
    assert masks[0]["image"] == masks[1]["image"]
    assert len(page.session_state["skips"]["tried"]) == 3
    page.button_group(key="skip-kept").set_value([]).run()
    page.button_group(key="skip-fill").set_value("mean").run()
    assert iou(page) == pytest.approx(expected(page, set(), "mean"), abs=0.001)


def test_what_is_in_place_survives_a_visit_and_stands_in_the_link(page):
    page.button_group(key="skip-kept").set_value([1]).run()
    (held,) = read.components(page, "link")
    assert held["choices"]["kept"] == "1"
    page.switch_page("pages/digits.py").run()
    page.switch_page("pages/skip_connections.py").run()
    assert page.button_group(key="skip-kept").value == [1]


def test_a_link_names_photo_and_connections(zoo_of_two):
    wanted = {"sample": samples("cars")[1].id, "kept": "0", "fill": "mean"}
    page = open_page("skip_connections", **wanted)
    assert not page.exception
    (held,) = read.components(page, "link")
    assert held["choices"] == wanted
    assert page.button_group(key="skip-kept").value == [0]


def test_a_bad_photo_gets_a_sentence_and_the_one_before_it_stays(page):
    before = read.components(page, "gallery")[0]["items"]
    page.file_uploader[0].set_value(("bad.png", b"text", "image/png")).run()
    assert not page.exception
    assert "not an image" in page.warning[0].value
    assert read.components(page, "gallery")[0]["items"] == before


def test_the_recorded_training_without_them_is_shown(page):
    found = zoo.experiment("skip_cuts")
    assert found.command in [code.value for code in page.code]
    figure = skip_training.figure(found.rows)
    drawn = sorted(value for trace in figure.data for value in trace.y)
    uncut = [row for row in found.rows if row["cut"] == "none"]
    assert drawn == sorted(row[m] for row in uncut for m in ("iou", "boundary_iou"))
    maps = read.components(page, "gallery")[-1]["items"]
    titles = ["With skips", "All cut afterwards", "Trained without"]
    assert [item["title"] for item in maps] == titles
    own = [row["iou"] for row in uncut if row["network"] == "without skips"]
    assert maps[-1]["detail"] == f"IoU {number_format.percent(sum(own) / len(own))}"
