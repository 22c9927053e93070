"""A model of somebody's own on the loopback Hub: published, brought back, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from huggingface_hub import CommitOperationAdd, HfApi, constants, snapshot_download
from huggingface_hub.utils import disable_progress_bars

import zoo
from tests import cars
from tests.hub import tiny
from tests.hub.conftest import point_to
from tests.hub_server import HubServer
from training.engine.failures import TrainingError
from training.publish import own_model
from training.segmentation import __main__ as command

REPO = "tester/bikes"
FOUND = {"iou": 0.91, "dice": 0.95, "boundary_iou": 0.7, "worst": 0.8, "constant_iou": 0.2, "n": 2}
SECRET = "aunt-marys-garden"


@pytest.fixture
def folder(tmp_path: Path, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished model, as `training.segmentation` writes it, and a client of the loopback Hub."""
    disable_progress_bars()
    point_to(hub.url, monkeypatch)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", hub.token)
    monkeypatch.setattr(own_model, "draw_curves", lambda record: b"an image")  # slow
    monkeypatch.setattr(own_model, "checked", no_onnx)
    return write(tmp_path / "run" / "model")


def no_onnx(model: zoo.Model) -> None:
    raise zoo.ZooError("onnx is not installed.")


def write(folder: Path, **metrics: float) -> Path:
    folder.mkdir(parents=True)
    config = cars.config(model="bikes", title="Bike", labels=["bike"], samples="cars")
    config |= {"license": "other", "data": {"name": "own images of bike", "license": "its owner's"}}
    record = cars.record(model="bikes", metrics={"validation": FOUND | metrics})
    record |= {"images": [SECRET, "b"], "held_out": [SECRET]}
    files = cars.model_files() | {
        "config.json": json.dumps(config).encode(), "record.json": json.dumps(record).encode()
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def stored(hub: HubServer) -> dict[str, bytes]:
    files = hub.storage.repo("model", REPO).resolve("main").files
    return {path: hub.storage.content(file) for path, file in files.items()}


def test_it_is_published_and_comes_back_as_it_was(folder, hub, capsys):
    options = command.parse(
        ["--images", "i", "--masks", "m", "--out", str(folder.parent), "--publish", REPO]
    )
    command.finish(options, json.loads((folder / "record.json").read_text()))
    assert "note: without model.onnx: onnx is not installed." in capsys.readouterr().out
    held = stored(hub)
    assert held["bikes/model.safetensors"] == (folder / "model.safetensors").read_bytes()
    listed = json.loads(held["manifest.json"])["files"]
    assert set(listed) == set(held) - {"manifest.json", ".gitattributes"}
    assert not any(SECRET.encode() in content for content in held.values())
    assert json.loads(held["bikes/record.json"])["images"] == 2
    card = held["README.md"].decode()
    front = yaml.safe_load(card.split("---\n")[1])
    assert (front["license"], front["pipeline_tag"]) == ("other", "image-segmentation")
    (result,) = front["model-index"][0]["results"]
    assert result["dataset"]["split"] == "validation"
    assert "| validation | Mean IoU | 91.00 % | 2 |" in card

    photo = np.full((40, 60, 3), 180, np.uint8)
    ours = zoo.load(str(folder)).predict(photo)
    space: dict = {}
    line = next(line for line in card.splitlines() if line.startswith("folder = "))
    exec(line, {"snapshot_download": snapshot_download}, space)  # as the card says
    theirs = zoo.load(space["folder"]).predict(photo)
    assert np.array_equal(ours.probabilities, theirs.probabilities)
    own_model.publish_own(REPO, folder)
    assert len(hub.storage.repo("model", REPO).commits) == 2, "nothing changed: no commit"


def test_a_repo_of_other_models_is_left_alone(folder, hub, hub_api: HfApi):
    hub_api.create_repo(REPO)
    files = tiny.model_files()
    contents = {f"mnist/{name}": data for name, data in files.items()}
    contents["manifest.json"] = tiny.manifest({"mnist": files})
    hub_api.create_commit(
        REPO, [CommitOperationAdd(path, data) for path, data in contents.items()],
        commit_message="weights",
    )  # fmt: skip
    with pytest.raises(TrainingError, match=r"tester/bikes holds mnist, which would be deleted"):
        own_model.publish_own(REPO, folder)
    assert "mnist/config.json" in stored(hub)


def test_what_has_learned_nothing_or_is_no_model_is_not_published(folder, hub, tmp_path):
    lazy = write(tmp_path / "lazy", iou=0.2, constant_iou=0.2)
    with pytest.raises(TrainingError, match="it has not learned anything yet"):
        own_model.publish_own(REPO, lazy)
    (lazy / "model.safetensors").unlink()
    with pytest.raises(TrainingError, match=r"is not published: .*model\.safetensors is missing"):
        own_model.publish_own(REPO, lazy)
    assert not hub.storage.repos
