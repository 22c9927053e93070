"""The architecture's rules: which floor may import what, and that the map of the house is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What only a page, or only a recipe, may use.
FORBIDDEN = {
    "zoo": {"training", "pages", "streamlit"},
    "training": {"pages", "streamlit"},
    "pages": {"training", "torch", "requests", "urllib", "socket", "subprocess", "huggingface_hub"},
}


def modules(floor: str) -> list[Path]:
    return sorted((ROOT / floor).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the top-level packages that a module imports anywhere."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("floor", FORBIDDEN)
def test_no_floor_imports_what_stands_above_it(floor: str) -> None:
    assert len(modules(floor)) > 3
    wrong = {
        str(path.relative_to(ROOT)): sorted(imported(path) & FORBIDDEN[floor])
        for path in modules(floor)
        if imported(path) & FORBIDDEN[floor]
    }
    assert not wrong


def test_nothing_unpickles() -> None:
    careless = [
        str(path.relative_to(ROOT))
        for floor in FORBIDDEN
        for path in modules(floor)
        if re.search(r"pickle\.loads?\(|torch\.load\(|allow_pickle=True", path.read_text())
    ]
    assert not careless


def test_importing_the_zoo_imports_no_torch() -> None:
    code = (
        "import sys, zoo; zoo.list_models(); zoo.load('mnist', source='bundle'); "
        "print([m for m in ('torch', 'streamlit', 'training') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_map_in_contributing_names_every_module_and_no_other() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^- `([\w/.]+\.py)`: \S", text, re.MULTILINE))
    existing = {
        str(path.relative_to(ROOT))
        for floor in FORBIDDEN
        for path in modules(floor)
        if path.name != "__init__.py" or path.read_text().count("\n") > 12
    } | {"app.py", "run.py", "hubconf.py"}
    assert named == existing
