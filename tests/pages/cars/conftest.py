"""The cars page with a stand-in for the network: whatever is red is car."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.common import loaded_models
from tests import red_cars
from tests.pages.conftest import open_page
from zoo.weights import catalog


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ZOO_REPO", raising=False)
        patch.setattr(catalog, "CATALOG_PATH", red_cars.write(tmp_path_factory.mktemp("zoo")))
        loaded_models._load.clear()
        yield loaded_models._load("carvana")
    loaded_models._load.clear()


@pytest.fixture
def cars(model) -> AppTest:
    """The page after its first run."""
    app = open_page("cars")
    assert not app.exception
    return app
