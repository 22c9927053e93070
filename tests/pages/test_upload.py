"""What uploads and the camera say about where they cannot work, and about what went wrong."""

from __future__ import annotations

import logging

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import zoo
from pages.components import upload

COOKIE = {"_streamlit_xsrf": "2|abc"}


def test_an_upload_that_would_be_refused_says_so() -> None:
    why = upload.no_upload("https://a.org/cars?embed=true&x=1", {})
    assert why is not None
    assert "frame" in why
    assert "(https://a.org/cars)" in why, "a way out: the page alone"
    assert upload.no_upload("https://a.org/cars", COOKIE) is None
    assert upload.no_upload(None, {}) is None  # no browser, no upload


def test_without_the_check_there_is_nothing_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "get_option", {"server.enableXsrfProtection": False}.get)
    assert upload.no_upload("https://a.org/cars", {}) is None


@pytest.mark.parametrize(
    ("url", "works"),
    [
        ("https://a.org/cars", True),
        ("http://a.org/cars", False),
        ("http://192.168.1.7:8501/", False),
        ("http://localhost.evil.org/", False),
        ("http://evil.org/localhost/", False),
        ("http://localhost:8501/cars", True),
        ("http://app.localhost/", True),
        ("http://127.0.0.1:8501/", True),
        ("http://[::1]:8501/", True),
        (None, True),
    ],
)
def test_a_camera_without_https_says_so(url: str | None, works: bool) -> None:
    assert (upload.no_camera(url) is None) == works


def test_the_page_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def page() -> None:
        from pages.components.drop_zone import drop_zone

        drop_zone.show("photo", title="A photo", on_file=print)

    monkeypatch.setattr(upload, "no_upload", lambda *_: "Open it in a tab.")
    app = AppTest.from_function(page).run()
    assert [warning.value for warning in app.warning] == ["Open it in a tab."]
    assert app.file_uploader[0].label == "A photo"
    assert not app.file_uploader[0].proto.type, "every ending: the content decides"


def test_a_problem_is_one_sentence_and_what_nobody_foresaw_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert upload.problem(zoo.ImageError("It is damaged.")) == "It is damaged."
    assert not caplog.records
    for error in (RuntimeError("line 1\nline 2"), MemoryError()):
        text = upload.problem(error)
        assert text.endswith(".")
        assert len(text.splitlines()) == 1
        assert "line" not in text
        assert caplog.records[-1].levelno == logging.ERROR
