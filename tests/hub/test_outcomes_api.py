"""The matrix of faults, met by ``zoo.load``."""

import re
import time

import pytest

import zoo
from tests.hub.conftest import Published
from tests.hub.outcomes import CASES, RECOVERS, Case

SOON = 30.0  # seconds; far more than needed, but machines can be busy


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_source_hub(published: Published, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    monkeypatch.setenv("ZOO_TIMEOUT", case.timeout)
    started = time.perf_counter()
    with case.on(published.hub):
        if case.outcome == RECOVERS:
            model = zoo.load("mnist", source="hub")
            assert (model.source, model.notice) == ("hub", None)
        else:
            with pytest.raises((zoo.HubError, zoo.IntegrityError)) as caught:
                zoo.load("mnist", source="hub")
            assert re.search(case.outcome, str(caught.value)), str(caught.value)
            assert "\n" not in str(caught.value)
    assert time.perf_counter() - started < SOON, "a fault must not take much longer"


@pytest.mark.parametrize("case", CASES[1::4], ids=lambda case: case.name)
def test_source_auto(published: Published, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    monkeypatch.setenv("ZOO_TIMEOUT", case.timeout)
    with case.on(published.hub):
        model = zoo.load("mnist")
    if case.outcome == RECOVERS:
        assert (model.source, model.notice) == ("hub", None)
    else:
        assert model.source == "bundle"
        assert model.notice is not None
        assert model.notice.startswith("These are the bundled weights, because the Hub failed:")
        assert re.search(case.outcome, model.notice), model.notice
