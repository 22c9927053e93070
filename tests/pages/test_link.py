"""A link holds what one sees, without a browser."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages import read
from tests.pages.conftest import open_page
from zoo.samples import samples


def held(app: AppTest) -> dict[str, str | None]:
    """Return what the page puts into its address."""
    (link,) = read.components(app, "link")
    return link["choices"]


def test_a_link_opens_the_sample_that_it_names():
    sample = samples("digits")[4]
    app = open_page("digits", sample=sample.id)
    assert read.answer(app)["label"] == sample.label
    assert held(app) == {"sample": sample.id}


@pytest.mark.parametrize("value", ["nonsense", "", "x" * 10_000])
def test_a_wrong_link_opens_the_page_as_usual(value):
    app = open_page("digits", sample=value)
    assert not app.exception
    assert read.answer(app)["label"] == "7"
    assert held(app) == {"sample": None}, "what is as usual needs no place in a link"


def test_a_link_holds_sample_square_and_class_and_what_is_wrong_in_it_is_left_out():
    app = open_page("objects", sample="deer", x="0.25", y="nan", side="0.5", explained="cat")
    (crop,) = read.components(app, "crop")
    assert (crop["x"], crop["y"], crop["side"]) == (0.25, 0.5, 0.5)
    assert app.pills(key="explained").value == "cat"
    assert held(app) == {
        "sample": "deer",
        "x": "0.25",
        "y": None,
        "side": "0.5",
        "explained": "cat",
    }


def test_what_the_visitor_does_after_that_counts_and_outlives_a_visit_to_another_page():
    app = open_page("objects", sample="deer")
    app.pills(key="explained").set_value("ship").run()
    assert held(app)["explained"] == "ship"
    app.query_params.clear()  # as a click into the side bar does
    app.switch_page("pages/digits.py").run()
    assert held(app) == {"sample": None}, "the other page's sample is none of this one's"
    app.switch_page("pages/objects.py").run()
    assert held(app) == {"sample": "deer", "x": None, "y": None, "side": None, "explained": "ship"}
