"""The examples of docs/deploy.md run and give what they claim; its commands exist."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from zoo.__main__ import _parser

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def test_the_example_gives_what_it_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openvino", reason="openvino is not installed")
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    (block,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    lines, claims = block.splitlines(), 0
    for statement in ast.parse(block).body:
        claim = lines[statement.end_lineno - 1].partition("→ ")[2]
        if claim:
            assert repr(eval(ast.unparse(statement), names)) == claim.strip()
            claims += 1
        else:
            exec(ast.unparse(statement), names)
    assert claims == 1


def test_its_commands_are_those_of_today() -> None:
    commands = re.findall(r"python -m zoo [^`\n#]*", TEXT)
    assert commands
    for command in commands:
        _parser().parse_args(shlex.split(command.replace("MODEL", "mnist"))[3:])


def test_the_files_that_it_names_exist() -> None:
    for target in re.findall(r"\]\((\.\./[^)]+)\)", TEXT):
        path = ROOT / "docs" / target
        assert path.exists() or path.suffix == ".json", target  # recorded on an idle machine
