"""The examples of docs/explain.md run, in order, and give what they claim."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from zoo import explain

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")


def test_the_examples_give_what_they_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # where the samples are
    names: dict[str, Any] = {}
    claims = 0
    for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        lines = block.splitlines()
        for statement in ast.parse(block).body:
            claim = lines[statement.end_lineno - 1].partition("→ ")[2]
            if not claim:
                exec(ast.unparse(statement), names)
                continue
            assert repr(eval(ast.unparse(statement), names)) == claim.strip()
            claims += 1
    assert claims == TEXT.count("→ ")
    assert claims > 10


def test_every_public_function_is_shown() -> None:
    functions = [name for name in explain.__all__ if name.islower()]
    code = "".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    assert [name for name in functions if not re.search(rf"zoo\.explain\.{name}\b", code)] == []
    table = TEXT[TEXT.index("| function") : TEXT.index("What cannot be done")]
    assert [name for name in functions if f"`{name}`" not in table] == []
