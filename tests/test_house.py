"""The architecture: which floor may import what, no circles, one subject a name, a true map."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("zoo", "training", "pages", "api")
# What only a page, or only a recipe, may use.
FORBIDDEN = {
    "zoo": {"training", "pages", "api", "streamlit"},
    "training": {"pages", "api", "streamlit"},
    "api": {"training", "pages", "streamlit", "torch"},
    "pages": {
        "training",
        "api",
        "torch",
        "requests",
        "urllib",
        "socket",
        "subprocess",
        "huggingface_hub",
    },
}
# Imaginary visitors have to speak the language of the server that they visit.
EXCEPTIONS = {"training.benchmarks.pages.visitors": {"streamlit"}}
# From the ground up; a module imports only what stands on its own floor or below. The longest
# prefix counts. Rooms on one line are neighbours.
FLOORS = {
    "zoo": [
        ["zoo.errors", "zoo.functions"],
        ["zoo.networks"],
        ["zoo.weights", "zoo.preprocessing", "zoo.samples", "zoo.experiments", "zoo.graph"],
        ["zoo.segmentation", "zoo.batch_norm", "zoo.results"],
        ["zoo.records", "zoo.devices"],
        ["zoo.models"],
        ["zoo.backends"],
        ["zoo.loading", "zoo.folders", "zoo.explain", "zoo.bench", "zoo.snippets"],
        ["zoo", "zoo.__main__"],
    ],
    "training": [
        ["training.engine"],
        ["training.data"],
        ["training.metrics"],
        ["training.mnist", "training.cifar10", "training.carvana"],
        ["training.segmentation"],
        ["training.evaluate"],
        ["training.publish", "training.experiments", "training.benchmarks", "training.documents"],
        ["training.finish"],
        [  # commands, which end with finish
            "training.mnist.__main__",
            "training.cifar10.__main__",
            "training.segmentation.__main__",
            "training.carvana.__main__",
        ],
    ],
    "pages": [
        ["pages.common"],
        ["pages.images"],
        ["pages.components"],
        ["pages.sections"],
        ["pages.server"],
        ["pages"],
    ],
    "api": [
        ["api"],
        ["api.refusals"],
        ["api.openapi", "api.origins", "api.request_image", "api.waiting_line"],
        ["api.reference_page"],
        ["api.application"],
    ],
}
MOST = 16  # modules a room, __init__ and __main__ aside


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Yield the full names that a module imports anywhere: lazily, or for types alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows() -> dict[str, set[str]]:
    """Return the modules that each module imports; a package's face stands for its files."""
    known = {name_of(path): path for package in PACKAGES for path in modules(package)}
    found: dict[str, set[str]] = {}
    for name, path in known.items():
        targets = set()
        for full in imported(path):
            target = full if full in known else full.rpartition(".")[0]
            if target in known and target != name:
                targets.add(target)
        found[name] = targets
    return found


def floor_of(module: str) -> int | None:
    """Return the number of a module's floor within its package."""
    rooms = {
        room: number
        for floors in FLOORS.values()
        for number, floor in enumerate(floors)
        for room in floor
    }
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if (prefix := ".".join(parts[:length])) in rooms:
            return rooms[prefix]
    return None


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_what_stands_above_it(package: str) -> None:
    assert len(modules(package)) > 3
    wrong = {
        name_of(path): sorted(
            ({name.split(".")[0] for name in imported(path)} & FORBIDDEN[package])
            - EXCEPTIONS.get(name_of(path), set())
        )
        for path in modules(package)
    }
    assert not {name: found for name, found in wrong.items() if found}


@pytest.mark.parametrize("package", PACKAGES)
def test_inside_a_package_no_arrow_runs_up(package: str) -> None:
    up = []
    for module, targets in arrows().items():
        if module.split(".")[0] != package or module == package:
            continue
        own = floor_of(module)
        assert own is not None, f"{module} stands on no floor: give its room one in FLOORS"
        for target in targets:
            if target.split(".")[0] == package and target != package:
                other = floor_of(target)
                assert other is not None, target
                if other > own:
                    up.append(f"{module} → {target}")
    assert not up


def test_no_two_files_import_each_other() -> None:
    """Nor do three or more in a ring. A package's face hands names on and is left out."""
    found = {
        name: {target for target in targets if not is_face(target)}
        for name, targets in arrows().items()
        if not is_face(name)
    }
    rings: list[list[str]] = []
    state: dict[str, int] = {}

    def visit(name: str, path: list[str]) -> None:
        state[name] = 1
        for target in sorted(found.get(name, ())):
            if state.get(target) == 1:
                rings.append([*path[path.index(target) :], target])
            elif target not in state:
                visit(target, [*path, target])
        state[name] = 2

    for name in sorted(found):
        if name not in state:
            visit(name, [name])
    assert not rings


def is_face(module: str) -> bool:
    return (ROOT / module.replace(".", "/") / "__init__.py").is_file()


def test_one_name_is_one_file() -> None:
    """A page's file is its address and is left out, as are the entry points of packages."""
    stems = Counter(
        path.stem
        for package in PACKAGES
        for path in modules(package)
        if path.stem not in ("__init__", "__main__") and path.parent != ROOT / "pages"
    )
    assert [stem for stem, count in stems.items() if count > 1] == []


def test_one_name_is_one_class() -> None:
    classes: Counter[str] = Counter()
    for package in PACKAGES:
        for path in modules(package):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            classes.update(
                node.name
                for node in tree.body
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
            )
    assert [name for name, count in classes.items() if count > 1] == []


def test_no_room_is_a_drawer() -> None:
    crowded = {
        str(folder.relative_to(ROOT)): len(files)
        for package in PACKAGES
        for folder in [ROOT / package, *(ROOT / package).rglob("*/")]
        if len(files := [f for f in folder.glob("*.py") if not f.stem.startswith("__")]) > MOST
    }
    assert not crowded


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_says_what_it_is_for(package: str) -> None:
    for path in (ROOT / package).rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_nothing_unpickles() -> None:
    careless = [
        name_of(path)
        for package in PACKAGES
        for path in modules(package)
        if re.search(r"pickle\.loads?\(|torch\.load\(|allow_pickle=True", path.read_text())
    ]
    assert not careless


def test_what_the_pages_import_imports_no_torch() -> None:
    """So that a page's first lines, and the verdicts of BatchNorm, stand there before it is."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in modules("pages")
        if path.parent != ROOT / "pages" and path.stem != "__init__"
    ]
    code = (
        f"import sys, importlib; [importlib.import_module(name) for name in {names}]; "
        "print([m for m in ('torch', 'training') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_importing_the_zoo_imports_no_torch() -> None:
    code = (
        "import sys, zoo; zoo.list_models(); zoo.load('mnist', source='bundle'); "
        "print([m for m in ('torch', 'streamlit', 'training') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_import_zoo_takes_next_to_nothing_and_has_every_name() -> None:
    code = (
        "import sys, zoo; print([m for m in ('numpy', 'PIL', 'scipy') if m in sys.modules]); "
        "print(set(zoo.__all__) <= set(dir(zoo)), [getattr(zoo, n).__name__ for n in zoo.__all__])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    first, second = done.stdout.splitlines()
    assert first == "[]"
    import zoo

    assert second == f"True {zoo.__all__}"


def test_the_map_in_contributing_names_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:zoo|training|pages|api)/[\w/]*)`", text))
    rooms = {
        f"{folder.relative_to(ROOT)}/"
        for package in PACKAGES
        for folder in (ROOT / package).glob("*/")
        if (folder / "__init__.py").is_file() or list(folder.glob("*.json"))
    }
    assert rooms <= named
    assert all((ROOT / name).exists() for name in named)


def test_no_model_is_named_where_a_config_should_tell() -> None:
    """A recipe, its tests and the list of pages may name a model; library and tools may not."""
    allowed = re.compile(
        r"training/(mnist|cifar10|carvana)/|training/(experiments|benchmarks|data)/"
    )
    named = []
    for package in ("zoo", "training"):
        for path in modules(package):
            if allowed.match(str(path.relative_to(ROOT))):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                compared = isinstance(node, ast.Compare | ast.Dict | ast.match_case)
                if compared and any(
                    isinstance(part, ast.Constant) and part.value in ("mnist", "cifar10", "carvana")
                    for part in ast.walk(node)
                ):
                    named.append(f"{name_of(path)}:{getattr(node, 'lineno', '?')}")
    assert not named
