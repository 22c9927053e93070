"""A host's own models on the pages: chosen on Cars, compared there, opened in Feature maps.

The stand-in of `tests.red_cars` is the shipped network; the host's own is the same one with a
threshold above the probability of what is pink.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import entry_guard, loaded_models, number_format
from tests import red_cars
from tests.pages import read
from tests.pages.cars.on_the_page import percent, png, staged, upload
from tests.pages.conftest import ROOT
from zoo.segmentation import masks
from zoo.weights import catalog

PINK = red_cars.car() & ~red_cars.car(pink=False)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The folder of the host's own model."""
    monkeypatch.delenv("ZOO_REPO", raising=False)
    monkeypatch.setattr(catalog, "CATALOG_PATH", red_cars.write(tmp_path / "zoo"))
    loaded_models._load.clear()
    yield red_cars.write_own(tmp_path / "sure", "sure", threshold=0.9, labels=["bike"])
    loaded_models._load.clear()


def visit(page: str = "pages/cars.py") -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.session_state[entry_guard._WANTED] = page
    app.run()
    assert not app.exception
    return app


def expanders(app: AppTest) -> list[str]:
    return [expander.label for expander in app.expander]


def test_without_one_the_page_is_as_it_was(own):
    app = visit()
    assert "Network" not in [group.label for group in app.get("button_group")]
    assert "Compare with another network" not in expanders(app)


def test_it_is_chosen_by_its_name_and_looks_at_the_photo_on_the_stage(own, monkeypatch):
    monkeypatch.setenv("ZOO_EXTRA", str(own))
    app = visit()
    upload(app, png(red_cars.street()))
    assert percent(app, "Car area") == pytest.approx(red_cars.car().mean(), abs=0.0006)
    before = staged(app)["token"]
    app.button_group(key="network").set_value("sure").run()
    assert not app.exception
    assert staged(app)["token"] != before, "the stage has to take the new answer over"
    assert staged(app)["threshold"] == 90
    assert percent(app, "Bike area") == pytest.approx(red_cars.car(pink=False).mean(), abs=0.0006)
    (held,) = [data for data in read.components(app, "link") if "network" in data["choices"]]
    assert held["choices"] == {"network": "sure"}
    app.switch_page("pages/digits.py").run()
    app.switch_page("pages/cars.py").run()
    assert percent(app, "Bike area") < red_cars.car().mean()
    app.button_group(key="network").set_value("carvana").run()
    assert percent(app, "Car area") == pytest.approx(red_cars.car().mean(), abs=0.0006)


def test_one_whose_weights_do_not_fit_says_so_and_can_be_left(own, monkeypatch):
    monkeypatch.setenv("ZOO_EXTRA", str(own))
    config = (own / "config.json").read_text()
    (own / "config.json").write_text(config.replace('"skips": true', '"skips": false'))
    app = visit()
    app.button_group(key="network").set_value("sure").run()
    assert not app.exception
    assert "does not fit unet" in app.error[0].value
    app.button_group(key="network").set_value("carvana").run()
    assert not app.error
    assert staged(app)


def test_a_link_may_name_it(own, monkeypatch):
    monkeypatch.setenv("ZOO_EXTRA", f"mine={own}")
    app = visit("pages/digits.py")
    app.switch_page("pages/cars.py")
    app.query_params["network"] = "mine"
    app.run()
    assert app.session_state["segmenter"] == "mine"


def test_two_models_are_compared_on_the_visitor_s_photo(own, monkeypatch):
    monkeypatch.setenv("ZOO_EXTRA", str(own))
    app = visit()
    upload(app, png(red_cars.street()))
    assert "Compare with another network" in expanders(app)
    assert "compared-models" not in app.session_state, "nothing is computed before it is asked for"
    app.selectbox(key="second-to-carvana").set_value("sure").run()
    assert not app.exception
    compared = app.session_state["compared-models"][1]
    assert (compared.masks["carvana"] & ~compared.masks["sure"]).any()
    (legend,) = [text.value for text in app.markdown if "**Violet**: in both" in text.value]
    alone = float(re.findall(r"carvana alone, ([\d.]+)", legend)[0])
    assert alone == pytest.approx(100 * PINK.mean(), abs=0.2)
    assert legend.endswith("sure alone, 0\xa0%.")
    said = " ".join(caption.value for caption in app.caption)
    iou = masks.iou(compared.masks["carvana"], compared.masks["sure"])
    assert f"IoU of the two masks {number_format.percent(iou, 2)}" in said
    assert "measured just now on this server" in said
    assert all(seconds > 0 for seconds in compared.seconds.values())


def test_feature_maps_opens_it_on_a_photo(own, monkeypatch):
    monkeypatch.setenv("ZOO_EXTRA", str(own))
    app = visit("pages/feature_maps.py")
    assert app.button_group(key="inside-model").options[-1] == "sure"
    app.button_group(key="inside-model").set_value("sure").run()
    assert not app.exception
    (drawn,) = read.components(app, "diagram")
    assert drawn["blocks"]


@pytest.mark.parametrize("value", ["nowhere", "carvana={own}"])
def test_a_wrong_setting_is_one_sentence_on_every_page(own, monkeypatch, value: str):
    monkeypatch.setenv("ZOO_EXTRA", value.format(own=own))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    (error,) = app.error
    assert error.value.startswith("ZOO_EXTRA")
    assert "\n" not in error.value
    assert not app.exception
