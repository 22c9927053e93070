"""``pip install .`` gives ``import zoo`` with its weights, anywhere on the machine."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from email import message_from_string
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What somebody has who installed the library without an extra.
LIBRARY_ALONE = (
    "import sys; sys.modules |= dict.fromkeys("
    "['torch', 'torchvision', 'captum', 'streamlit', 'plotly', 'pyarrow', 'threadpoolctl']); "
)


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


def test_without_torch_the_numpy_network_runs_and_the_others_say_what_they_need(
    installed: Path, tmp_path: Path
) -> None:
    code = LIBRARY_ALONE + (
        "import zoo, zoo.__main__; from zoo.samples import samples; s = samples('digits')[0]; "
        "print(zoo.load('mnist').predict(s.path).label == s.label); "
        "print(zoo.__main__.main(['predict', 'cifar10', str(s.path)]))"
    )
    done = run(installed, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "2"]
    assert done.stderr.startswith("error: This model runs in PyTorch, which is not installed here")
    assert "cnn-lytical[torch]" in done.stderr


def test_the_metadata_names_what_each_use_needs(installed: Path) -> None:
    (path,) = installed.glob("cnn_lytical-*.dist-info/METADATA")
    metadata = message_from_string(path.read_text(encoding="utf-8"))
    needed: dict[str, set[str]] = {}
    for line in metadata.get_all("Requires-Dist", []):
        requirement, _, marker = line.partition(";")
        name = re.match(r"[\w-]+(\[\w+\])?", requirement)
        extra = re.search(r"extra == .(\w+).", marker)
        needed.setdefault(extra[1] if extra else "", set()).add(name[0] if name else "")
    assert needed[""] == {*("numpy", "pillow", "scipy", "safetensors", "huggingface-hub", "tqdm")}
    assert metadata.get_all("Provides-Extra") == ["torch", "onnx", "app", "train"]
    assert needed["onnx"] == {"onnx", "onnxruntime", "openvino"}
    assert "torch" in needed["torch"]
    assert {"cnn-lytical[torch]", "streamlit"} <= needed["app"]
    assert {"cnn-lytical[torch]", "pyarrow"} <= needed["train"]


def test_the_requirements_file_is_the_whole() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    other_runtimes = extras.pop("onnx")  # neither app nor training needs them
    groups = [project["dependencies"], *extras.values()]
    parts = {line for group in groups for line in group if not line.startswith("cnn-lytical")}
    tests = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    assert set(other_runtimes) <= set(tests)
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert parts == {line for line in text.splitlines() if line and not line.startswith("#")}


def test_every_package_that_is_imported_is_required() -> None:
    """What our code imports stands in requirements.txt itself, not only among another's needs."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    required = {re.split(r"[><=]", line)[0].replace("-", "_") for line in text.splitlines()}
    known = {"zoo", "training", "pages", "api", "PIL"} | required | set(sys.stdlib_module_names)
    # Of the Hub's client, whose errors they are; of publishing and benchmarks (requirements-dev).
    known |= {"httpx2", "yaml", "matplotlib", "playwright", "websockets"}
    known |= {"onnx", "onnxruntime", "openvino"}  # zoo.backends says so if they are missing
    for folder in ("zoo", "training", "pages", "api"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                unknown = {name.split(".")[0] for name in names} - known
                assert not unknown, f"{path.relative_to(ROOT)} imports {unknown}"


def test_nothing_that_git_ignores_is_tracked() -> None:
    """A committed link named .venv once replaced everybody's environment at the next merge."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert listed == ""
