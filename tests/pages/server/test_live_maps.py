"""The address that the network's diagram asks: the page's sheet, for who has the run's name."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import zoo
from pages.common import loaded_models
from pages.sections.feature_maps import layer_sheet, trace_cache
from pages.server import live_maps
from zoo.samples import first_sample


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=[live_maps.route("")]))


@pytest.fixture(scope="module")
def model() -> zoo.Classifier:
    return loaded_models.classifier("mnist")


@pytest.fixture(scope="module")
def view(model: zoo.Classifier) -> np.ndarray:
    return model.model_input_image(first_sample("digits").read())


@pytest.mark.parametrize(("sort", "own"), [(0, 0), (1, 0), (0, 1)])
def test_each_layer_gets_the_pages_sheet(client, model, view, sort: int, own: int) -> None:
    address, run = live_maps.address(model, view), trace_cache.run(model, view)
    for layer in run.calls:
        answer = client.get(f"{address}&sort={sort}&own={own}&layer={layer}")
        expected = layer_sheet.sheet(
            model, run, layer, strongest_first=bool(sort), own_scale=bool(own)
        )
        assert answer.json() == expected.drawn
        assert answer.json()["count"] == len(run[layer])


def test_what_is_not_there_is_not_found(client, model, view) -> None:
    address = live_maps.address(model, view)
    assert client.get(f"{address}&layer=nothing").status_code == 404
    assert client.get(address).status_code == 404
    assert client.get(f"/{live_maps.PATH}?run=0&layer=conv1").status_code == 404


def test_only_the_last_runs_keep_their_names(client, model, view) -> None:
    (name,) = parse_qs(urlsplit(live_maps.address(model, view)).query)["run"]
    layer = trace_cache.run(model, view).output
    for number in range(trace_cache.NAMED):
        trace_cache.name(model, np.full_like(view, number))
    assert trace_cache.named(name) is None
    again = live_maps.address(model, view)
    assert client.get(f"{again}&layer={layer}").status_code == 200
