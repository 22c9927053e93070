"""The matrix of faults, met by the app: it always answers, and says which weights it runs."""

import os
import re
import time

import pytest
from streamlit.testing.v1 import AppTest

from tests.hub import tiny
from tests.hub.conftest import Published
from tests.hub.outcomes import KINDS_OF_OUTCOME, RECOVERS, Case
from tests.hub_server.fixtures import ROOT


@pytest.fixture(autouse=True)
def _fresh(published: Published, monkeypatch: pytest.MonkeyPatch):
    import streamlit as st

    from pages.common import warm_up

    monkeypatch.setattr(warm_up, "start", lambda *_: None)  # its thread would load models, too
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def _sidebar(app: AppTest) -> str:
    assert not app.exception
    return "\n".join(caption.value for caption in app.sidebar.caption)


@pytest.mark.parametrize("case", KINDS_OF_OUTCOME, ids=lambda case: case.name)
def test_overview(published: Published, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    monkeypatch.setenv("ZOO_TIMEOUT", case.timeout)
    started = time.perf_counter()
    with case.on(published.hub):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    assert time.perf_counter() - started < 45
    assert app.title[0].value == "CNN-Lytical"
    shown = _sidebar(app)
    if case.outcome == RECOVERS:
        assert f"weights from the Hub, tester/weights @ {published.commit[:7]}" in shown
        assert "because the Hub failed" not in shown
    else:
        assert "bundled weights" in shown
        assert "These are the bundled weights, because the Hub failed:" in shown
        assert re.search(case.outcome, shown), shown


def test_the_repo_as_a_streamlit_secret(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())  # the app writes to it
    tiny.write_zoo(published.folder, {"mnist": published.files})  # a catalog without a repo
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.secrets["ZOO_REPO"] = tiny.REPO
    app.secrets["ZOO_REVISION"] = published.commit
    shown = _sidebar(app.run())
    assert f"weights from the Hub, tester/weights @ {published.commit[:7]}" in shown
