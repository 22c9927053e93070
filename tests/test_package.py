"""``pip install .`` gives ``import zoo`` with its weights, anywhere on the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the project, without its dependencies and without a network, into a folder."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.split(b"\0")  # fmt: skip
    for name in filter(None, map(os.fsdecode, tracked)):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps"]
    subprocess.run([*pip, "--no-index", "--target", target, source], check=True)
    return target


def run(folder: Path, elsewhere: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=elsewhere, env=os.environ | {"PYTHONPATH": str(folder)}, capture_output=True, text=True,
    )  # fmt: skip


def test_the_installed_zoo_predicts(installed: Path, tmp_path: Path) -> None:
    code = (
        "import zoo; from zoo.samples import samples; "
        "s = samples('digits')[0]; m = zoo.load('mnist', source='bundle'); "
        "print(zoo.__file__, m.predict(s.path).label == s.label, len(zoo.list_experiments()))"
    )
    done = run(installed, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    file, right, experiments = done.stdout.split()
    assert Path(file).is_relative_to(installed)
    assert right == "True"
    assert int(experiments) > 0


def test_the_installed_command_verifies_its_weights(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "-m", "zoo", "verify")
    assert done.returncode == 0, done.stderr


def test_nothing_but_the_two_packages_is_installed(installed: Path) -> None:
    packages = {path.name for path in installed.iterdir() if (path / "__init__.py").exists()}
    assert packages == {"zoo", "training"}
