"""The README is short, its code runs as it stands, and what it shows is there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from tests import commands

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 120


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_the_python_that_it_asks_for_is_the_one_that_is_needed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (said,) = re.findall(r"Python (\d\.\d+) or newer", README)
    assert project["requires-python"] == f">={said}"


def test_the_python_example_runs_from_the_shell_too(tmp_path: Path) -> None:
    """`python -m training.documents` wrote its outputs; as a file it must run as well."""
    (example,) = blocks("python")
    assert example.count("# → ") >= 2
    file = tmp_path / "example.py"
    file.write_text(example, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", f"exec(open({str(file)!r}, encoding='utf-8').read())"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "line", [line for block in blocks("sh") for line in block.splitlines() if " -m zoo " in line]
)
def test_the_shell_examples_run(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python, flag, module, *command = shlex.split(line, comments=True)
    assert (python, flag) == ("python", "-m")
    image = str(ROOT / "zoo/samples/digits/6-03422.png")
    stands_for = {"photo.jpg": image, "cut": str(tmp_path / "cut"), "photos/": str(tmp_path)}
    shutil.copy(image, tmp_path)
    arguments = [stands_for.get(word, word) for word in command]
    monkeypatch.chdir(ROOT)
    done = commands.run(module, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_tour_is_an_animation_of_about_ten_seconds() -> None:
    path = ROOT / "docs/tour.webp"
    assert path.stat().st_size < 3_000_000
    with Image.open(path) as tour:
        assert tour.width >= 800
        times = []
        for frame in range(tour.n_frames):
            tour.seek(frame)
            tour.load()
            times.append(tour.info["duration"])
    assert 8_000 <= sum(times) <= 14_000
    assert max(times) <= 3_000  # something moves


def test_every_screenshot_is_shown_light_and_dark() -> None:
    shown = set(re.findall(r'"(docs/screenshots/[^"]+)"', README))
    there = {str(p.relative_to(ROOT)) for p in (ROOT / "docs/screenshots").iterdir()}
    assert shown == there
    assert len(shown) == 12
