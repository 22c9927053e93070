"""Export: the bundle and the catalog, on a folder of the test's own."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from training.data import mnist_digits as data
from training.engine.failures import TrainingError
from training.engine.json_files import write_json
from training.engine.model_folder import export
from training.mnist import mnist_recipe


@pytest.fixture
def run(tiny_mnist: Path, tmp_path: Path) -> Path:
    """Return the folder of a finished run whose test accuracy is not yet measured."""
    recipe = mnist_recipe.MnistRecipe(epochs=1, batch=40, channels=(4,))
    splits = data.load(tiny_mnist, "train"), data.load(tiny_mnist, "validation")
    mnist_recipe.train(recipe, *splits, tmp_path / "run", quiet=True)
    return tmp_path / "run"


def test_export_pins_every_file_and_keeps_the_other_models(run: Path, tmp_path: Path) -> None:
    record = json.loads((run / "record.json").read_text())
    record["metrics"]["test"] = {"accuracy": 0.5, "n": 60}
    write_json(run / "record.json", record)
    catalog, bundle = tmp_path / "catalog.json", tmp_path / "bundle"
    write_json(catalog, {"format": 1, "repo": "a/b", "revision": "c0ffee", "models": {"x": {}}})

    assert export(run, bundle, catalog) == bundle / "mnist"

    entries = json.loads(catalog.read_text())
    assert entries["repo"] == "a/b"
    assert entries["models"]["x"] == {}
    entry = entries["models"]["mnist"]
    assert entry["metrics"] == {"accuracy": 0.5}
    assert entry["metrics_n"] == 60
    assert entry["parameters"] == record["parameters"]
    for name, pinned in entry["files"].items():
        content = (bundle / "mnist" / name).read_bytes()
        assert pinned == {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def test_export_refuses_what_is_not_finished(run: Path, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.json"
    with pytest.raises(TrainingError, match="no test metric"):
        export(run, tmp_path / "bundle", catalog)
    (run / "model.safetensors").unlink()
    with pytest.raises(TrainingError, match=r"has no model\.safetensors"):
        export(run, tmp_path / "bundle", catalog)
    assert not catalog.exists()


def test_json_with_nan_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
