"""The page Use the weights: what can be taken, and code that prints what stands beneath it."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import zoo
from pages.sections.weights import over_http
from tests.pages.conftest import open_page
from zoo import snippets
from zoo.weights import sources

ROOT = Path(__file__).parents[2]
# Runs each piece of code as a file or a shell would, and returns what it prints.
DRIVER = """
import contextlib, io, json, os, shlex, sys
from zoo.__main__ import main
printed = []
for code, folder in json.load(sys.stdin):
    os.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        if code.startswith("python -m zoo "):
            assert main(shlex.split(code)[3:]) == 0
        else:
            sys.path.insert(0, folder)
            exec(code, {"__name__": "__main__"})
            sys.path.remove(folder)
            sys.modules.pop("network", None)  # the next folder has its own
    printed.append(out.getvalue().rstrip())
json.dump(printed, sys.stdout)
"""


def shown(name: str) -> AppTest:
    page = open_page("use_the_weights")
    page = page.selectbox(key="model").set_value(name).run()
    assert not page.exception
    return page


def pairs(page: AppTest) -> dict[str, str]:
    """Return what is shown beneath each piece of code."""
    blocks = [block.value for block in page.code]
    return dict(pairwise(blocks))


def test_a_command_has_no_colours() -> None:
    blocks = shown("mnist").code
    commands = [b for b in blocks if b.value.startswith(("python -m zoo", "curl"))]
    assert len(commands) >= 2
    assert {block.language for block in commands} == {"batch"}  # the style sheet leaves its out
    assert "python" in {block.language for block in blocks}


def test_code_prints_what_stands_beneath_it(tmp_path: Path) -> None:
    """All models' in one process: to import torch takes longer than to run most of it."""
    ways: list[tuple[str, str]] = []
    beneath: list[str] = []
    for name in zoo.list_models():
        folder = tmp_path / name
        write_files(name, folder)
        below = pairs(shown(name))
        for mark in ("zoo.load(", "load_file", "torch.hub.load", "python -m zoo predict"):
            (code,) = (code for code in below if mark in code)
            ways.append((code, str(folder if mark == "load_file" else ROOT)))
            beneath.append(below[code])
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps(ways),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for (code, _), printed, wanted in zip(ways, json.loads(done.stdout), beneath, strict=True):
        assert printed == wanted, code


def write_files(name: str, folder: Path) -> None:
    """Write what the page offers to download."""
    folder.mkdir()
    files = sources.from_bundle(zoo.info(name)).contents
    files = {**files, "network.py": snippets.network_source(zoo.info(name).architecture).encode()}
    sample = snippets.example(name)
    assert sample
    files[snippets.example_file(name)] = sample.read()
    for file, contents in files.items():
        (folder / file).write_bytes(contents)


def test_the_http_part_shows_the_snippets_and_the_answer() -> None:
    """tests/api/test_http_snippets.py runs them."""
    page = shown("mnist")
    below, api = pairs(page), over_http.api()
    answer = json.loads(below[snippets.http_curl("mnist", api)])
    wanted = zoo.load("mnist", source="bundle").predict(snippets.example("mnist").path).to_dict()  # type: ignore[union-attr]
    assert answer["probabilities"] == pytest.approx(wanted["probabilities"])
    for code in (snippets.http_python("mnist", api), snippets.http_javascript("mnist", api)):
        assert below[code] == f"{answer['label']} {answer['confidence']}"


def test_every_file_can_be_taken() -> None:
    page = shown("cifar10")
    labels = [button.label for button in page.get("download_button")]
    for file in ("model.safetensors", "config.json", "record.json", "network.py", "example.jpg"):
        assert [label for label in labels if label.startswith(f"{file}, ")], file
    text = "\n".join(block.value for block in page.markdown)
    info = zoo.info("cifar10")
    assert info.limitations in text
    assert "ZOO_REPO" not in text, "that is for operators"
    assert any(info.sha256 in block.value and "@misc" in block.value for block in page.code)
    assert [metric.label for metric in page.metric][1:] == ["An image takes", "Parameters", "Size"]
