"""The matrix of faults, met by ``zoo.load``."""

import re
import time

import pytest

import zoo
from tests.hub.conftest import Published
from tests.hub.outcomes import CASES, RECOVERS, Case

SOON = 30.0  # seconds; far more than needed, but machines can be busy


@pytest.fixture(autouse=True)
def _plain_lfs(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")


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


XET = ("stall", "truncate-once", "corrupt-once", "corrupt-always")


@pytest.mark.parametrize("by_xet", [True])
@pytest.mark.parametrize("case", [c for c in CASES if c.name in XET], ids=lambda case: case.name)
def test_over_xet(published: Published, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    """Xet repairs more by itself; what it can't repair ends in the same ways."""
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "0")
    monkeypatch.setenv("ZOO_TIMEOUT", case.timeout)
    started = time.perf_counter()
    with case.on(published.hub):
        if case.outcome == RECOVERS:
            assert zoo.load("mnist", source="hub").source == "hub"
        else:
            with pytest.raises((zoo.HubError, zoo.IntegrityError)) as caught:
                zoo.load("mnist", source="hub")
            sentence = str(caught.value)
            assert re.search(f"{case.outcome}|download failed", sentence), sentence
    assert any("/reconstructions/" in path for path in published.hub.paths())
    assert time.perf_counter() - started < SOON
