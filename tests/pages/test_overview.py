"""The overview, without a browser."""

from __future__ import annotations

import subprocess
import sys

import pytest

import zoo
from pages.common import number_format, site
from pages.sections import training_history
from pages.sections.batch_norm import recorded_series
from tests.pages import read
from tests.pages.conftest import ROOT
from zoo import records


def test_one_card_a_model_with_the_records_numbers(app):
    check_cards(app)


def check_cards(app) -> None:
    """Compare every card with the catalog and the record of its model."""
    assert not app.exception
    assert app.title[0].value == "CNN-Lytical"
    titles = [heading.value for heading in app.header]
    shown = [entry.model for entry in site.ENTRIES if entry.model in zoo.list_models()]
    shown = list(dict.fromkeys(shown))
    inside = ["Look inside"] if app.subheader else []
    assert titles == [*[zoo.info(name).title for name in shown], *inside]
    captions = " ".join(caption.value for caption in app.caption)
    cards = read.components(app, "headline")
    for name, card in zip(shown, cards[: len(shown)], strict=True):
        record = zoo.load(name).record
        metric, value, n = records.headline(record)
        assert card["value"] == number_format.percent(value, 2)
        assert card["name"] == f"Test {training_history.METRICS[metric]}, n = {n:,}"
        curve = records.curve(record, "validation", metric)
        assert card["values"] == [value for _, value in curve]
        assert number_format.count(zoo.info(name).parameters) in captions


INSIDE = ["Feature maps", "Skip connections", "BatchNorm", "Experiments"]


def test_the_pages_that_look_inside_are_shown_with_what_they_measured(app):
    assert [heading.value for heading in app.subheader] == INSIDE
    *_, card, experiments = read.components(app, "headline")
    assert experiments["value"] == str(len(zoo.list_experiments()))
    (strip,) = [i for i in read.components(app, "image_link") if i["page"] == "skip_connections"]
    assert strip["image"].startswith("/shared/")  # an address that browsers keep
    trained = zoo.experiment("skip_cuts")
    texts = " ".join(caption.value for caption in app.caption)
    for network in ("with skips", "without skips"):
        uncut = [row for row in trained.rows if row["cut"] == "none"]
        own = [row["iou"] for row in uncut if row["network"] == network]
        assert number_format.percent(sum(own) / len(own)) in texts
    found = zoo.experiment("batch_norm_speed")
    runs = {norm: recorded_series.final(found, norm=norm) for norm in ("batch", "none")}
    best = {norm: own.mean for norm, own in runs.items() if own is not None}
    assert card["value"] == number_format.percent(best["batch"])
    assert number_format.percent(best["none"]) in card["caption"]
    assert card["values"][-1] == pytest.approx(best["batch"])
    assert card["against"][-1] == pytest.approx(best["none"])


def test_the_overview_stands_without_weights_and_recordings(monkeypatch, app):
    monkeypatch.setattr("pages.common.loaded_models.loaded", lambda name: None)
    monkeypatch.setattr(recorded_series, "recorded", lambda name: None)
    app.run()
    assert not app.exception
    models = zoo.list_models(alternatives=False)
    assert len(read.components(app, "headline")) == len(models) + 1  # and Experiments
    assert [heading.value for heading in app.subheader] == INSIDE


def test_models_that_do_not_exist_do_not_show(monkeypatch):
    monkeypatch.setattr(zoo, "list_models", list)
    shown = site.entries()
    assert shown[0].title == "Overview"
    assert not any(entry.model for entry in shown)


def test_the_side_bar_names_device_and_weights(app):
    footer = " ".join(caption.value for caption in app.sidebar.caption)
    assert "CPU" in footer or "cuda" in footer or "MPS" in footer
    assert "weights" in footer


def test_a_notice_of_the_zoo_is_shown(monkeypatch):
    from pages.common import footer

    model = zoo.load("mnist", source="bundle")
    model.notice = "The Hub refused the token; renew it with `hf auth login`."
    monkeypatch.setattr(footer.loaded_models, "loaded", lambda name: model)
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(_footer).run()
    (notice,) = [c.value for c in app.sidebar.caption if "refused the token" in c.value]
    assert "hf auth login" in notice
    assert "`" not in notice, "code in a caption has too little contrast"


def _footer():
    from pages.common import footer

    footer.show()


VISITS = """
import sys
from streamlit.testing.v1 import AppTest

def told(app):
    assert not app.exception, app.exception
    slow = {"torch", "captum", "pandas", "pyarrow", "scipy"}
    print(app.title[0].value, *sorted(slow & set(sys.modules)), sep=",")

app = AppTest.from_file("app.py", default_timeout=200).run()
told(app)
told(app.switch_page("pages/digits.py").run())
app.switch_page("pages/interview.py").run()
for label in ("Question 7", "Make a prediction"):
    next(button for button in app.button if button.label == label).click().run()
assert any("prediction" in c.proto.component_name for c in app.get("bidi_component"))
told(app)
told(app.switch_page("pages/cars.py").run())
told(app.switch_page("pages/batch_norm.py").run())
assert any("race_curves" in c.proto.component_name for c in app.get("bidi_component"))
"""


def test_a_first_page_needs_nothing_slow() -> None:
    """Their imports take seconds; the warm-up does what is needed behind the page.

    Data frames are needed nowhere among these, and Streamlit looks for some in whatever a component
    is given.
    """
    done = subprocess.run(
        [sys.executable, "-c", VISITS], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    first, digits, *others = (line.split(",") for line in done.stdout.splitlines())
    assert first == ["CNN-Lytical"]
    assert digits[1:] == []
    assert len(others) == 3
    for title, *slow in others:
        assert not {"pandas", "pyarrow"} & set(slow), title
