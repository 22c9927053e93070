"""What is published of a zoo with all three models: files, card, curves, checks."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image, ImageOps

import zoo
from tests import cars
from tests.hub import tiny
from training.engine.failures import TrainingError
from training.publish import checks
from training.publish.repo_files import hub_files, plain_network
from training.publish.training_curves import draw_curves
from zoo import experiments
from zoo.samples import samples
from zoo.weights import catalog

MODELS = {
    "mnist": tiny.model_files(),
    "cifar10": tiny.object_files(),
    "carvana": cars.model_files(),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo of three tiny models."""
    folder = tmp_path / "zoo"
    monkeypatch.delenv("ZOO_REPO", raising=False)
    monkeypatch.setattr(catalog, "CATALOG_PATH", tiny.write_zoo(folder, MODELS))
    monkeypatch.setattr(experiments, "FOLDER", folder / "experiments")
    return folder


@pytest.fixture
def files(folder: Path) -> dict[str, bytes]:
    return hub_files("tester/weights")


def test_every_model_has_its_files_and_its_curves(files: dict[str, bytes]) -> None:
    for name in MODELS:
        for file in (*tiny.NAMES, "network.py", "curves.png"):
            assert files[f"{name}/{file}"]
        assert files[f"{name}/curves.png"].startswith(b"\x89PNG")
    assert set(json.loads(files["manifest.json"])["files"]) == set(files) - {"manifest.json"}


def test_every_example_is_a_image_of_its_kind_whose_author_the_card_names(
    files: dict[str, bytes],
) -> None:
    card = files["README.md"].decode()
    paths = [path for path in files if "/example." in path]
    assert [path.split("/")[0] for path in paths] == ["mnist", "cifar10", "carvana"]
    for path, collection in zip(paths, ("digits", "objects", "cars"), strict=True):
        with Image.open(io.BytesIO(files[path])) as image:
            kinds = {"PNG": [".png"], "JPEG": [".jpg", ".jpeg"]}[image.format]
        assert Path(path).suffix in kinds
        (credit,) = [s.credit for s in samples(collection) if s.read() == files[path]]
        assert f"({path}): {credit}." in card


def test_the_card_tells_each_model_by_its_own_metric(files: dict[str, bytes]) -> None:
    card = files["README.md"].decode()
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["metrics"] == ["accuracy", "mean_iou"]
    assert front["tags"] == ["cnn", "image-classification", "image-segmentation", "safetensors"]
    results = {entry["name"]: entry["results"][0] for entry in front["model-index"]}
    assert list(results) == list(MODELS)
    assert results["carvana"]["task"] == {"type": "image-segmentation"}
    values = {metric["type"]: metric["value"] for metric in results["carvana"]["metrics"]}
    assert values == {"iou": 0.98, "dice": 0.99, "boundary_iou": 0.9, "worst": 0.95}
    assert "| Mean IoU 98.00 % | 2 |" in card
    assert "| test, streets | Mean IoU | 60.00 % | 3 |" in card
    assert "| validation | Boundary IoU | 80.00 % | 4 |" in card
    assert "b_02" not in card, "single images stay in the record"
    assert "one photo studio" in card
    objects = card.split("## cifar10")[1].split("## carvana")[0]
    assert "The published network learned from the validation images, too" in objects


def test_several_seeds_are_summed_up_by_the_models_metric(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = [{"seed": s, "validation_iou": 0.9, "test_iou": 0.97 + s / 100} for s in range(3)]
    changed = MODELS | {"carvana": cars.model_files(seeds=seeds)}
    tiny.write_zoo(folder, changed)
    catalog._parse.cache_clear()
    card = hub_files("tester/weights")["README.md"].decode()
    assert "Over 3 seeds the test Mean IoU is 98.00 % ± 1.00 %" in card


def test_the_network_rebuilds_from_its_published_files_alone(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    for file in (*tiny.NAMES, "network.py"):
        (tmp_path / file).write_bytes(files[f"carvana/{file}"])
    code = (
        "import json, torch\n"
        "from network import build\n"
        "from safetensors.torch import load_file\n"
        "network = build(**json.load(open('config.json'))['arguments']).eval()\n"
        "network.load_state_dict(load_file('model.safetensors'))\n"
        "print(network(torch.full((1, 3, 40, 50), 0.5)).mean().item())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with torch.inference_mode():
        ours = zoo.load("carvana", device="cpu").network(torch.full((1, 3, 40, 50), 0.5))
    assert float(done.stdout) == pytest.approx(ours.mean().item(), abs=1e-5)
    assert b"build = UNet" in plain_network(cars.config())


def test_the_curves_are_drawn_for_a_final_run(tmp_path: Path) -> None:
    with_validation, final = draw_curves(cars.record()), draw_curves(cars.final_record())
    images = []
    for number, content in enumerate((with_validation, final)):
        (tmp_path / f"{number}.png").write_bytes(content)
        images.append(np.asarray(Image.open(tmp_path / f"{number}.png").convert("RGB")))
    indigo = [(np.abs(p - np.array([91, 91, 214])).sum(axis=2) < 30).sum() for p in images]
    assert min(indigo) > 200, "the validation curve is in both"


def test_a_segmenter_is_held_to_the_committed_masks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "ANSWERS", folder / "answers")
    monkeypatch.setattr(checks, "samples", lambda collection: samples(collection)[:2])
    bundle = folder / "bundle" / "carvana"
    with pytest.raises(TrainingError, match=r"make it with python -m training\.publish masks"):
        checks.check_model("carvana", bundle)
    paths = checks.write_masks("carvana")
    assert len(paths) == 2
    line = checks.check_model("carvana", bundle)
    assert f"iou 1.0000 on {len(paths)} sample images against the committed masks" in line
    for path in paths:
        with Image.open(path) as image:
            turned = ImageOps.invert(image.convert("L"))
        turned.convert("1").save(path)
    with pytest.raises(TrainingError, match=r"its iou is 0\.0000 against the committed masks"):
        checks.check_model("carvana", bundle)
    paths[0].write_bytes(b"no image")
    with pytest.raises(TrainingError, match="cannot be read"):
        checks.check_model("carvana", bundle)


def test_what_a_classifier_is_checked_on() -> None:
    """Its image set, else its samples; of these the usual ones that show one of its classes."""
    model = zoo.load("cifar10", device="cpu", source="bundle")
    images, labels = checks.labelled_images(model)
    assert (len(images), len(labels)) == (checks.COUNT, checks.COUNT)
    assert set(labels) == set(model.labels)
    model.config = {**model.config, "image_set": ""}
    images, labels = checks.labelled_images(model)
    assert len(images) == sum(s.group in ("typical", "more") for s in samples("objects"))
    model.config = {**model.config, "samples": "nowhere"}
    with pytest.raises(TrainingError, match="nothing to check it on"):
        checks.labelled_images(model)


def test_a_worse_mask_is_a_worse_model() -> None:
    ours = {"carvana": {"metrics": {"test": cars.TEST | {"iou": 0.97}}}}
    published = {"carvana": {"metrics": {"test": cars.TEST}}}
    assert checks.worse_metrics(ours, published) == ["carvana: iou 0.9800 → 0.9700"]
