"""A segmentation network measured, recorded and exported, on made-up photos of red things."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from tests import cars, red_cars
from training import evaluate as evaluation
from training import finish
from training.carvana import car_confidence
from training.data import cifar_images, street_photos
from training.data.car_photos import CarPhoto
from training.data.carvana_photos import TEST_CARS, ImageMaskPair
from training.engine import model_folder
from training.engine.failures import TrainingError
from training.engine.json_files import read_json, write_json
from training.evaluate import evaluate, record_test
from training.metrics import photo_sets
from training.metrics.mask_predictions import MARGIN, ValidationSet, choose_confidence
from training.metrics.photo_kinds import Masks

SIZE = (48, 32)  # of the small photos
NAMES = [f"{TEST_CARS[0]}_01", f"{TEST_CARS[0]}_02", f"{TEST_CARS[1]}_01"]


def photo(seed: int, scale: int = 1) -> tuple[Image.Image, np.ndarray]:
    """A red box on blue, and its mask."""
    width, height = (scale * side for side in SIZE)
    rng = np.random.default_rng(seed)
    left, top = (scale * int(v) for v in rng.integers(4, 12, 2))
    image = Image.new("RGB", (width, height), (20, 40, 200))
    image.paste((200, 40, 20), (left, top, left + width // 2, top + height // 2))
    return image, np.asarray(image)[:, :, 0] > 100


def file_of(image: Image.Image) -> dict[str, bytes]:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return {"bytes": buffer.getvalue()}


def write(path: Path, names: list[str], scale: int = 1, wrong: str = "") -> None:
    """Write photos and masks as Parquet; the mask of ``wrong`` is that of the whole image."""
    import pyarrow
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed, name in enumerate(names):
        image, mask = photo(seed, scale)
        drawn = Image.fromarray(np.full_like(mask, True) if name == wrong else mask)
        rows.append({"name": name, "image": file_of(image), "mask": file_of(drawn)})
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    data_dir = tmp_path / "data"
    write(data_dir / "carvana" / "small.parquet", [*NAMES, "aaaa_01", "bbbb_01"], wrong=NAMES[1])
    return data_dir


@pytest.fixture
def red(monkeypatch: pytest.MonkeyPatch) -> zoo.Segmenter:
    """Let every model be one that takes red for cars."""
    model = red_cars.red_model()
    monkeypatch.setattr(evaluation, "_load", lambda *_: model)
    return model


def test_the_metrics_are_those_of_the_masks_that_a_user_gets(
    red: zoo.Segmenter, data_dir: Path
) -> None:
    result = evaluate("carvana", data_dir)
    assert (result["model"], result["split"], result["n"]) == ("carvana", "test", 3)
    metrics = result["metrics"]
    expected = {}
    for seed, name in enumerate(NAMES):
        image, true = photo(seed)
        mask = red.predict(image).mask
        true = np.ones_like(true) if name == NAMES[1] else true
        expected[name] = (mask & true).sum() / (mask | true).sum()
    assert metrics["images"] == pytest.approx(expected)
    assert metrics["iou"] == pytest.approx(np.mean(list(expected.values())))
    assert (metrics["worst"], metrics["worst_image"]) == (min(expected.values()), NAMES[1])
    assert expected[NAMES[1]] < 0.4 < 0.9 < expected[NAMES[0]]
    assert {"dice", "boundary_iou"} < metrics.keys()


def test_the_validation_split_has_other_cars(red: zoo.Segmenter, data_dir: Path) -> None:
    result = evaluate("carvana", data_dir, "validation")
    assert result["n"] == 1
    assert not set(result["metrics"]["images"]) & set(NAMES)


def test_streets_are_measured_when_they_have_a_large_vehicle(
    red: zoo.Segmenter, data_dir: Path
) -> None:
    names = ["camvid-0001TP_006690", "camvid-Seq05VD_f00000", "camvid-0016E5_08155"]
    write(data_dir / "backgrounds" / "streets_a.parquet", names)
    result = evaluate("carvana", data_dir, masks=Masks("streets"))
    assert set(result["metrics"]["images"]) == set(names[:2]), "the third is for training"


def test_full_size_takes_the_original_photos(red: zoo.Segmenter, data_dir: Path) -> None:
    write(data_dir / "carvana" / "large.parquet", NAMES[:1], scale=20)
    small, large = (
        evaluate("carvana", data_dir, masks=Masks(kind)) for kind in ("studio", "full_size")
    )
    assert (small["n"], large["n"]) == (1, 1), "the large file has the only photos of 512 or more"
    assert large["metrics"]["iou"] > 0.9


def test_phone_photos_are_measured_by_what_their_masks_know(
    red: zoo.Segmenter, data_dir: Path
) -> None:
    names = [f"train{number}" for number in range(1, 21)]
    write(data_dir / "carparts" / "all.parquet", names)
    results = {
        split: evaluate("carvana", data_dir, split, masks=Masks("phone"))
        for split in ("validation", "test")
    }
    assert [result["n"] for result in results.values()] == [3, 1]
    assert results["test"]["metrics"]["recall"] > 0.9
    assert results["test"]["metrics"].keys() == {
        "good", "fair", "recall", "attached", "other", "refused", "photos",
    }  # fmt: skip


def test_photos_without_a_car_should_be_refused(
    red: zoo.Segmenter, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blue, red_one = np.zeros((2, 32, 32, 3), np.uint8)
    blue[..., 2], red_one[..., 0] = 200, 220
    automobile = cifar_images.LABELS.index("automobile")
    small = cifar_images.LabelledImages(
        np.stack([blue, red_one, red_one]), np.array([0, 0, automobile])
    )
    monkeypatch.setattr(cifar_images, "load", lambda *_: small)
    monkeypatch.setattr(photo_sets, "samples", lambda _: ())
    metrics = evaluate("carvana", data_dir, masks=Masks("without_cars"))["metrics"]
    assert metrics == {"refused_cifar10": 0.5, "refused": 0.5}
    names = [f"photo-{number}" for number in range(200)]
    write(data_dir / "backgrounds" / "backgrounds.parquet", names)
    result = evaluate("carvana", data_dir, masks=Masks("without_cars"))
    assert result["metrics"]["refused_backgrounds"] == 0.0, "each shows a red box"
    sides = {
        split: len(street_photos.load_backgrounds(data_dir, split))
        for split in ("train", "validation", "test")
    }
    assert sum(sides.values()) == 200
    assert 5 <= sides["test"] <= 15
    assert result["n"] == 2 + sides["test"]


def test_a_classifier_has_no_masks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="mnist is no segmentation network"):
        evaluate("mnist", tmp_path, masks=Masks("streets"))


def test_the_command_prints_one_json_object_or_one_line_a_metric(
    red: zoo.Segmenter,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["evaluate", "carvana", "--data-dir", str(data_dir)]
    monkeypatch.setattr(sys, "argv", [*arguments, "--json"])
    assert evaluation.main() == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result) == {"model", "split", "n", "metrics", "device", "seconds"}
    assert {"iou", "dice", "boundary_iou", "worst"} < set(result["metrics"])
    monkeypatch.setattr(sys, "argv", arguments)
    assert evaluation.main() == 0
    lines = capsys.readouterr().out.splitlines()
    named = ["iou", "dice", "boundary_iou", "worst", "refused"]
    assert [line.split()[2] for line in lines] == named


def run_folder(folder: Path, seed: int = 0) -> Path:
    """A finished run whose test metrics are not yet measured."""
    folder.mkdir(parents=True)
    metrics = {"validation": {"iou": 0.9, "dice": 0.96, "boundary_iou": 0.8, "n": 4}}
    for name, contents in cars.model_files(seed, metrics=metrics).items():
        (folder / name).write_bytes(contents)
    return folder


def test_the_record_gets_studio_and_streets_once(data_dir: Path, tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    write(data_dir / "backgrounds" / "streets_a.parquet", ["camvid-0001TP_006690"])
    write(data_dir / "carparts" / "all.parquet", [f"train{number}" for number in range(1, 21)])
    test = record_test(folder, data_dir)
    metrics = read_json(folder / "record.json")["metrics"]
    assert metrics["test"] == test
    assert test["n"] == 3
    assert set(test["images"]) == set(NAMES)
    assert metrics["test_streets"]["n"] == 1
    assert metrics["test_phone"]["n"] == 1
    assert "test_full_size" not in metrics, "the photos are small"
    assert metrics["validation"]["iou"] == 0.9
    record = read_json(folder / "record.json")
    record["metrics"]["test"]["iou"] = 0.123
    write_json(folder / "record.json", record)
    assert record_test(folder, data_dir)["iou"] == 0.123, "not measured a second time"


def test_the_record_gets_the_studio_in_full_size(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run")
    write(tmp_path / "carvana" / "large.parquet", NAMES, scale=11)
    record_test(folder, tmp_path)
    metrics = read_json(folder / "record.json")["metrics"]
    assert (metrics["test"]["n"], metrics["test_full_size"]["n"]) == (3, 3)


def test_finish_notes_every_seed_and_exports_the_first(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog, bundle = tmp_path / "catalog.json", tmp_path / "bundle"
    monkeypatch.setattr(
        finish, "export", lambda folder: model_folder.export(folder, bundle, catalog)
    )
    folders = {seed: run_folder(tmp_path / f"seed-{seed}", seed) for seed in (3, 4)}
    assert finish.export_first(folders, data_dir) == bundle / "carvana"
    record = read_json(bundle / "carvana" / "record.json")
    other = read_json(folders[4] / "record.json")["metrics"]["test"]["iou"]
    assert record["seeds"] == [
        {"seed": 3, "validation_iou": 0.9, "test_iou": record["metrics"]["test"]["iou"]},
        {"seed": 4, "validation_iou": 0.9, "test_iou": other},
    ]
    assert "test_streets" not in record["metrics"], "there are no street photos here"
    entry = read_json(catalog)["models"]["carvana"]
    assert list(entry["metrics"]) == ["iou", "dice", "boundary_iou", "worst"]
    assert (entry["metrics_n"], entry["task"]) == (3, "segmentation")


def held(shade: tuple[int, int, int]) -> ImageMaskPair:
    """A photo of one colour, all of it car."""
    image = Image.new("RGB", SIZE, shade)
    return ImageMaskPair(
        "a_01", file_of(image)["bytes"], file_of(Image.new("L", SIZE, 255))["bytes"]
    )


def test_the_least_confidence_lies_below_the_least_sure_photo_with_a_car() -> None:
    model = red_cars.red_model()
    sure, pink = held(red_cars.RED), held(red_cars.PINK)
    phone = CarPhoto("b", sure.image, file_of(Image.new("L", SIZE, 255))["bytes"])
    assert choose_confidence(model, ValidationSet([sure], [pink], [phone])) == pytest.approx(
        red_cars.PINK_PROBABILITY - MARGIN, abs=0.006
    )
    # The studio alone says nothing about other places: the area alone counts there.
    assert choose_confidence(model, ValidationSet([pink])) == 0


def test_a_finished_run_gets_its_least_confidence_and_loses_what_was_measured_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    red_cars.write(tmp_path)
    folder = tmp_path / "run"
    assert "test" in read_json(folder / "record.json")["metrics"]
    pink = held(red_cars.PINK)
    photos = ValidationSet([pink], [pink], [CarPhoto("b", pink.image, pink.mask)])
    monkeypatch.setattr(car_confidence.carvana_recipe, "read_sources", lambda _: (None, photos))
    assert car_confidence.main([str(folder), "--data-dir", str(tmp_path)]) == 0
    chosen = read_json(folder / "config.json")["min_confidence"]
    assert 0.7 < chosen < red_cars.PINK_PROBABILITY
    assert f"min_confidence {chosen:g}" in capsys.readouterr().out
    record = read_json(folder / "record.json")
    assert record["min_confidence"] == chosen
    assert not [name for name in record["metrics"] if name.startswith("test")]
    with pytest.raises(TrainingError, match="is no finished run"):
        car_confidence.main([str(tmp_path), "--data-dir", str(tmp_path)])
