"""The page's code for curl, Python and JavaScript, run as it stands against a running server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

import zoo
from tests import own_thread
from training.benchmarks.pages import chromium
from training.benchmarks.pages.page_wait import Server
from zoo import snippets


@pytest.fixture(scope="module")
def server(shared_server: Server) -> str:
    """Address of a running app."""
    return shared_server.url


@pytest.fixture(scope="module")
def wanted() -> dict[str, dict[str, object]]:
    """What the library answers about the examples."""
    found = {}
    for name in ("mnist", "carvana"):
        sample = snippets.example(name)
        assert sample
        found[name] = zoo.load(name, source="bundle").predict(sample.path).to_dict()
    return found


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["mnist", "carvana"])
def test_curl_and_python(server: str, wanted: dict, name: str, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    code = snippets.http_curl(name, f"{server}/api")
    answer = json.loads(run(["bash", "-ec", code], tmp_path))
    assert answer.keys() == wanted[name].keys()
    assert answer["label"] == wanted[name]["label"]
    printed = run([sys.executable, "-c", snippets.http_python(name, f"{server}/api")], tmp_path)
    assert printed.split() == [str(answer[key]) for key in snippets.told(name)]


def test_curl_brings_the_cut_out(server: str, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    run(["bash", "-ec", snippets.http_curl("carvana", f"{server}/api", "cutout")], tmp_path)
    with Image.open(tmp_path / "cutout.png") as image:
        alpha = np.asarray(image.getchannel("A"))
    assert 0.05 < (alpha >= 128).mean() < 0.9


@pytest.mark.parametrize("name", ["mnist", "carvana"])
def test_javascript(server: str, wanted: dict, name: str, tmp_path: Path) -> None:
    code = snippets.http_javascript(name, f"{server}/api")
    if shutil.which("node"):
        printed = run(["node", "--input-type=module", "-e", code], tmp_path)
    else:
        printed = in_the_browser(server, code)
    label, number = printed.split()
    assert label == wanted[name]["label"]
    assert float(number) == pytest.approx(wanted[name][snippets.told(name)[1]], abs=1e-3)


@pytest.mark.browser
def test_javascript_in_a_page_of_the_server(server: str, wanted: dict) -> None:
    printed = in_the_browser(server, snippets.http_javascript("mnist", f"{server}/api"))
    assert printed.split()[0] == wanted["mnist"]["label"]


def in_the_browser(server: str, code: str) -> str:
    """Run code in a page of the server; return what it writes to the console."""
    return own_thread.run(lambda: _in_the_browser(server, code))


def _in_the_browser(server: str, code: str) -> str:
    with sync_playwright() as driver:
        browser = chromium.launch(driver)
        page = browser.new_page()
        page.goto(f"{server}/api/docs")
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.evaluate(f"(async () => {{\n{code}\n}})()")
        browser.close()
    return said[-1]
