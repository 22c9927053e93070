"""Models of one's own, which ZOO_EXTRA names: listed, loaded, and refused in one sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests import cars
from tests.hub import tiny
from zoo.__main__ import main
from zoo.errors import ZooError
from zoo.weights import catalog


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalog of the digit network alone."""
    monkeypatch.delenv("ZOO_REPO", raising=False)
    path = tiny.write_zoo(tmp_path / "zoo", {"mnist": tiny.model_files()})
    monkeypatch.setattr(catalog, "CATALOG_PATH", path)


@pytest.fixture
def bikes(tmp_path: Path) -> Path:
    """The folder of a model as `training.segmentation` writes it: it knows validation alone."""
    return write(tmp_path / "run" / "model", "bikes")


def write(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True)
    validation = {"iou": 0.91, "dice": 0.95, "boundary_iou": 0.7, "constant_iou": 0.2, "n": 9}
    record = cars.record(model=name, metrics={"validation": validation})
    files = cars.model_files() | {
        "config.json": json.dumps(
            cars.config(model=name, labels=["bike"], samples="cars")
        ).encode(),
        "record.json": json.dumps(record).encode(),
    }
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder


def test_it_is_listed_described_and_loaded_by_its_name(bikes, monkeypatch, capsys):
    monkeypatch.setenv("ZOO_EXTRA", str(bikes))
    assert zoo.list_models() == ["mnist", "bikes"]
    assert zoo.list_models("segmentation") == ["bikes"]
    assert zoo.list_models(own=False) == ["mnist"]
    info = zoo.info("bikes")
    assert (info.labels, info.folder, info.metrics_split) == (("bike",), bikes, "validation")
    assert (info.metrics["iou"], info.metrics_n) == (0.91, 9)
    model = zoo.load("bikes")
    assert (model.name, model.source) == ("bikes", str(bikes))
    by_path = zoo.load(str(bikes)).predict(np.full((40, 60, 3), 200, np.uint8))
    found = model.predict(np.full((40, 60, 3), 200, np.uint8))
    assert np.array_equal(found.probabilities, by_path.probabilities)
    assert zoo.record("bikes")["model"] == "bikes"
    assert main(["list"]) == 0
    assert "iou 91.00%" in (listed := capsys.readouterr().out)
    assert "(validation)" in listed
    assert main(["verify"]) == 0, "nothing pins it, so that there is nothing to verify"
    assert "bikes" not in capsys.readouterr().out


def test_two_folders_may_be_named_by_whoever_starts_the_app(bikes, tmp_path, monkeypatch):
    other = write(tmp_path / "other", "bikes")
    named = os.pathsep.join([f"first={bikes}", f"mnist-like={other}"])
    monkeypatch.setenv("ZOO_EXTRA", named)
    assert zoo.list_models() == ["mnist", "first", "mnist-like"]
    assert zoo.load("mnist-like").name == "mnist-like"


def test_a_model_that_was_trained_again_is_read_again(bikes, monkeypatch):
    monkeypatch.setenv("ZOO_EXTRA", str(bikes))
    before = zoo.info("bikes").sha256
    (bikes / "model.safetensors").write_bytes(cars.model_files(seed=1)["model.safetensors"])
    os.utime(bikes / "model.safetensors", (1, 1))
    assert zoo.info("bikes").sha256 != before


def problems(bikes: Path) -> dict[str, str]:
    """Return what may be wrong, and what is said of it."""
    (bikes.parent / "empty").mkdir()
    bad = write(bikes.parent / "bad", "bad")
    (bad / "config.json").write_text("{")
    return {
        "nowhere": "names nowhere, but there is no such folder",
        str(bikes.parent): f"the model is in the folder inside it, {bikes}",
        str(bikes.parent / "empty"): "has no config.json, so it is no model's",
        str(bad): "config.json of .* is not valid JSON",
        f"mnist={bikes}": "calls itself 'mnist', as a model that ships with the code does",
        os.pathsep.join([str(bikes), str(bikes)]): "are both called 'bikes'; write NAME=",
    }


def test_what_is_no_model_gets_one_sentence(bikes, monkeypatch, capsys):
    for value, said in problems(bikes).items():
        monkeypatch.setenv("ZOO_EXTRA", value)
        with pytest.raises(ZooError, match=said) as error:
            zoo.list_models()
        assert str(error.value).endswith(".")
        assert main(["list"]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_it_comes_from_its_folder_and_from_nowhere_else(bikes, monkeypatch):
    monkeypatch.setenv("ZOO_EXTRA", str(bikes))
    with pytest.raises(ZooError, match="which ZOO_EXTRA names; leave source and revision out"):
        zoo.load("bikes", source="hub")
