"""examples/ray_masks.py: the predictor by itself, and mapped over a data set where Ray is."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import red_cars
from zoo.segmentation import masks

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch):
    spec = importlib.util.spec_from_file_location("ray_masks", ROOT / "examples" / "ray_masks.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ray_masks", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of two photos, one of them in a folder inside it, and a file that is no image."""
    folder = tmp_path / "photos"
    (folder / "monday").mkdir(parents=True)
    red_cars.street(160, 100).save(folder / "a.png")
    red_cars.street(120, 80).save(folder / "monday" / "a.png")
    (folder / "broken.png").write_bytes(b"only text")
    return folder


def check(rows: list[dict], target: Path) -> None:
    assert [row["path"] for row in rows] == ["a.png", "broken.png", "monday/a.png"]
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    car = red_cars.car(160, 100)
    mask = masks.read(target / "a.png_mask.png")
    assert np.mean(mask != car) < 0.02
    assert rows[0]["area"] == pytest.approx(mask.mean())
    assert masks.read(target / "monday" / "a.png_mask.png").shape == (80, 120)
    assert len(list(target.rglob("*_mask.png"))) == 2


def test_the_predictor_keeps_its_model_and_takes_batches(example, photos, tmp_path):
    model = red_cars.write_own(tmp_path / "model", "red", threshold=red_cars.THRESHOLD)
    predictor = example.Predictor(str(model), str(photos), str(tmp_path / "masks"))
    files = sorted(photos.rglob("*.png"))
    columns = {"path": np.array([str(f) for f in files]), "bytes": [f.read_bytes() for f in files]}
    found = predictor(columns)
    rows = [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
    check(sorted(rows, key=lambda row: row["path"]), tmp_path / "masks")


def test_ray_maps_it_over_a_folder(example, photos, tmp_path, monkeypatch):
    ray = pytest.importorskip("ray", reason="the example for many machines needs ray[data]")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'examples'}")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
    model = red_cars.write_own(tmp_path / "model", "red", threshold=red_cars.THRESHOLD)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        rows = example.run(photos, tmp_path / "masks", str(model), workers=1)
    finally:
        ray.shutdown()
    check(rows, tmp_path / "masks")
    with (tmp_path / "masks" / "masks.csv").open(newline="", encoding="utf-8") as file:
        assert [row["path"] for row in csv.DictReader(file)] == [row["path"] for row in rows]
