"""The pages that list models, with a digit, an object and a car model: one of each metric."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import zoo
from pages.common import entry_guard, loaded_models, site
from tests import cars
from tests.hub import tiny
from tests.pages.conftest import ROOT, open_page
from tests.pages.test_overview import check_cards

MODELS = {
    "mnist": tiny.model_files(),
    "cifar10": tiny.object_files(),  # a final run: the validation curve is another run's
    "carvana": cars.model_files(),
}


@pytest.fixture(scope="module", autouse=True)
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with tiny.stand_in(tmp_path_factory.mktemp("zoo"), MODELS):
        yield


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()


def test_the_overview_has_a_card_for_each(app: AppTest) -> None:
    check_cards(app)


@pytest.mark.parametrize("entry", site.ENTRIES, ids=lambda entry: entry.title)
def test_every_page_opens(entry: site.Entry) -> None:
    assert [shown.path for shown in site.entries()] == [shown.path for shown in site.ENTRIES]
    page = open_page(site.name(entry))
    assert not page.exception
    assert not page.error


def test_the_overview_needs_no_page_of_a_models_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model's card can be drawn, whichever pages exist yet."""
    entries = [
        site.Entry(f"pages/{name}.py", name, ":material/draw:", "", model=name, summary="It works.")
        for name in MODELS
    ]
    monkeypatch.setattr(site, "entries", lambda: [*entries])
    monkeypatch.setattr(site, "ENTRIES", [site.ENTRIES[0], *entries])
    monkeypatch.setattr(entry_guard, "ensure", lambda path: None)  # app.py is not around the page
    monkeypatch.setattr(st, "page_link", lambda *_, **__: None)
    page = AppTest.from_file(str(ROOT / "pages" / "overview.py"), default_timeout=120).run()
    check_cards(page)


@pytest.mark.parametrize("name", MODELS)
def test_use_the_weights_tells_the_facts_of_each(name: str) -> None:
    page = open_page("use_the_weights")
    page.selectbox(key="model").set_value(name).run()
    assert not page.exception
    expected = {
        "mnist": ("Test accuracy, n = 10,000", "10.00\xa0%", "1 × 28 × 28 values"),
        "cifar10": ("Test accuracy, n = 10,000", "10.00\xa0%", "3 × 32 × 32 values"),
        "carvana": (
            "Test IoU, n = 2",
            "98.00\xa0%",
            "3 × height × width values in 0…1 of images whose longest side is 64",
        ),
    }[name]
    text = "\n".join(block.value for block in page.markdown)
    assert (page.metric[0].label, page.metric[0].value) == expected[:2]
    assert expected[2] in text
    assert f"**{zoo.info(name).title}**" in text
    (code,) = [block.value for block in page.code if f'zoo.load("{name}"' in block.value]
    assert "print(model.predict(image))" in code


def test_the_first_page_does_not_wait_for_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before its import the frame loads only the NumPy network, and the cards read records."""

    loaded = []
    real = zoo.load
    st.cache_resource.clear()  # what the tests before it have loaded
    with monkeypatch.context() as patch:
        patch.setattr(loaded_models, "_torch_is_imported", lambda: False)
        patch.setattr(zoo, "load", lambda name, **how: loaded.append(name) or real(name, **how))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    assert loaded == ["mnist"]
    check_cards(app)
    assert any("bundled weights" in caption.value for caption in app.sidebar.caption)
