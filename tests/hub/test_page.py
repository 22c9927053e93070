"""The page "Use the weights": its numbers come from the catalog, its snippets run as shown."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import zoo
from tests.hub import tiny
from tests.hub.conftest import Published
from tests.hub_server.fixtures import ROOT

ASK = "\nimport torch; print('ran', network(torch.zeros(1, 1, 28, 28)).shape)"


def _page() -> AppTest:
    st.cache_resource.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    app = app.switch_page("pages/use_the_weights.py").run()
    assert not app.exception
    return app


def _run(code: str, language: str, home: Path) -> str:
    """Run a snippet in the checkout; the interpreter of the tests comes first in the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", "-ec", code] if language == "bash" else [sys.executable, "-c", code]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PATH": path, "HF_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _kind(code: str) -> str:
    return next(
        kind
        for kind, mark in {
            "torch.hub": "torch.hub",
            "hub": "hf_hub_download",
            "plain": "from network import",
            "library": "zoo.load",
            "command": "python -m zoo",
            "hashes": "  config.json",
            "cite": "@misc",
            "other": "",
        }.items()
        if mark in code
    )


@pytest.mark.parametrize("on_the_hub", [False, True], ids=["bundle", "hub"])
def test_snippets_run_as_shown(published: Published, tmp_path: Path, on_the_hub: bool) -> None:
    """What they print of the bundled models is compared in tests/pages/test_use_the_weights.py."""
    if not on_the_hub:
        tiny.write_zoo(published.folder, {"mnist": published.files})
    shown = {_kind(block.value): block for block in _page().code}
    assert set(shown) - {"other"} == {
        *("library", "plain", "torch.hub", "command", "hashes", "cite"),
        *(["hub"] if on_the_hub else []),
    }
    if not on_the_hub:
        return
    for kind, expected in {"library": "Classification(", "hub": "[1, 10]"}.items():
        block = shown[kind]
        out = _run(block.value + ASK * (kind == "hub"), block.language, tmp_path / kind)
        assert expected in out
    assert "zoo pull mnist" in shown["command"].value
    assert published.commit in shown["hub"].value, "the plain client is pinned, too"


def _hashes(app: AppTest) -> str:
    return next(block.value for block in app.code if _kind(block.value) == "hashes")


def test_facts_come_from_the_catalog(published: Published) -> None:
    app = _page()
    info = zoo.info("mnist")
    hashes = _hashes(app)
    for pin in info.files.values():
        assert f"{pin.sha256}  {pin.name}" in hashes
    text = "\n".join(block.value for block in app.markdown)
    assert f"revision `{published.commit}` of [tester/weights]" in text
    assert info.license in text
    assert info.data["license"] in text
    assert app.metric[0].value == "10.00\xa0%"


def test_the_hashes_are_what_sha256sum_reads(published: Published, tmp_path: Path) -> None:
    hashes = _hashes(_page())
    folder = published.folder / "bundle" / "mnist"
    done = subprocess.run(
        ["sha256sum", "--check"], input=hashes, cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 3
