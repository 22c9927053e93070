"""Every command of this repo says in one line what is wrong with its options."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("recipe", ["mnist", "cifar10", "carvana", "segmentation"])
@pytest.mark.parametrize("arguments", [[], ["--data-dir", "x", "--out", "x", "--nope"]])
def test_bad_options_are_one_line(
    recipe: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    command = importlib.import_module(f"training.{recipe}.__main__")
    with pytest.raises(SystemExit) as stop:
        command.parse(arguments)
    told = capsys.readouterr()
    assert (stop.value.code, told.out) == (2, "")
    (line,) = told.err.splitlines()
    assert line.startswith("error: ")
    assert line.endswith(f"(see python -m training.{recipe} --help)")


def test_where_the_options_are_explained_is_a_command_that_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.benchmarks.pages import layout_shift

    monkeypatch.setitem(sys.modules, "__main__", layout_shift)
    monkeypatch.setattr(sys, "argv", ["layout_shift.py", "--nope"])
    with pytest.raises(SystemExit):
        layout_shift.main()
    expected = "(see python -m training.benchmarks.pages.layout_shift --help)\n"
    assert capsys.readouterr().err.endswith(expected)


def test_all_commands_are_made_in_that_way() -> None:
    files = [path for room in ("zoo", "training") for path in (ROOT / room).rglob("*.py")]
    made = {path.name for path in files if "argparse.ArgumentParser(" in path.read_text("utf-8")}
    assert len(files) > 100
    assert not made
