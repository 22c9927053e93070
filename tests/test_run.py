"""run.py: which words go on to whom, and a virtual environment that was left half-made."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
import venv
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
NO_ENSUREPIP = """
import runpy, subprocess, sys
real = subprocess.check_output
def without(command, *arguments, **options):
    if "ensurepip" in command:
        raise subprocess.CalledProcessError(1, command)
    return real(command, *arguments, **options)
subprocess.check_output = without
sys.argv = ["run.py"]
runpy.run_path("run.py", run_name="__main__")
"""


@pytest.fixture
def run(tmp_path: Path) -> ModuleType:
    """run.py of a copy of the project that has nothing else, loaded as a module."""
    for name in ("run.py", "requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    spec = importlib.util.spec_from_file_location("run", tmp_path / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("words", "command", "cpu", "rest"),
    [
        ([], "app", False, []),
        (["--server.port", "8600"], "app", False, ["--server.port", "8600"]),
        (["--cpu", "--server.port=8600"], "app", True, ["--server.port=8600"]),
        (["app", "--cpu"], "app", True, []),
        (["test", "tests/zoo", "-k", "app"], "test", False, ["tests/zoo", "-k", "app"]),
        (["--cpu", "test"], "test", True, []),
    ],
)
def test_what_it_does_not_know_goes_on(run, words, command, cpu, rest) -> None:
    assert run.read(words) == (command, cpu, rest)


def test_a_mistyped_command_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "run.py", "tset"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr == "error: There is no command 'tset'; there are: app, test. See --help.\n"


def test_an_old_python_can_read_it_and_is_told() -> None:
    """The version is looked at before anything that an old one lacks."""
    tree = ast.parse((ROOT / "run.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    check = next(i for i, node in enumerate(tree.body) if isinstance(node, ast.If))
    assert all(isinstance(n, ast.Import | ast.ImportFrom | ast.Assign | ast.Expr)
               for n in tree.body[:check])  # fmt: skip
    imported = [n.module for n in tree.body if isinstance(n, ast.ImportFrom)]
    assert "__future__" not in imported  # annotations: 3.7


def test_a_python_without_ensurepip_is_told_what_to_install(run, tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_ENSUREPIP],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"python{sys.version_info[0]}.{sys.version_info[1]}-venv" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not run.version_inside("import pip")  # what it left is the half-made environment
    assert run.make_environment()  # and with ensurepip the same command repairs it
    assert run.version_inside("import pip")


def test_an_environment_whose_python_is_gone_is_made_again(run, monkeypatch) -> None:
    make = venv.create

    def with_a_stand_in_for_pip(folder: Path, with_pip: bool, clear: bool) -> None:
        make(folder, clear=clear)
        (packages,) = folder.glob("[Ll]ib/**/site-packages")
        if with_pip:
            (packages / "pip.py").touch()

    monkeypatch.setattr(run.venv, "create", with_a_stand_in_for_pip)
    run.BIN.mkdir(parents=True)
    run.PYTHON.symlink_to("/no/such/python")
    assert run.make_environment()
    assert run.version_inside("import pip")


def test_a_link_to_nothing_is_left_alone(run, tmp_path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "keep").write_text("")
    run.ENVIRONMENT.symlink_to(other)
    with pytest.raises(run.SetupError, match="delete the link"):
        run.make_environment()
    assert (other / "keep").exists()


def test_where_the_index_of_torch_fails_the_usual_one_is_taken(run, capfd) -> None:
    failing = [sys.executable, "-c", "import sys; sys.exit('no route to host')"]
    run.install_cpu_torch(failing)
    said = capfd.readouterr()
    assert "taking the usual index" in said.out
    assert run.CPU_INDEX in said.out


def test_the_stamp_names_the_python(run, monkeypatch, tmp_path) -> None:
    """Packages that were installed for another Python are installed again."""
    installed = []
    monkeypatch.setattr(run, "call", lambda command, failure: installed.append(command))
    run.ENVIRONMENT.mkdir()
    for version in ("3.11", "3.11", "3.12"):
        monkeypatch.setattr(run, "make_environment", lambda version=version: version)
        run.install("requirements.txt", cpu=False)
    assert len(installed) == 2
