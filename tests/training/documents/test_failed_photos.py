"""Which held-out phone photos fail is measured, and drawn; why is somebody's word, and kept."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from tests import red_cars
from training.data import car_photos
from training.data.car_photos import CAR, ELSEWHERE, UNKNOWN, CarPhoto
from training.documents import failed_photos, failure_sheet
from training.engine.failures import TrainingError
from training.engine.json_files import read_json, write_json

PHOTOS = ("good", "missed", "false", "fine")  # the first two are for validation
YELLOW, PINK = failure_sheet.YELLOW, failure_sheet.PINK


def photo(name: str) -> CarPhoto:
    """A red box on blue: labelled; or beside it a blue one, labelled; or beside it a red one."""
    image = np.full((64, 64, 3), (20, 40, 200), np.uint8)
    mask = np.full((64, 64), ELSEWHERE, np.uint8)
    image[16:48, 4:28], mask[14:50, 2:30], mask[16:48, 4:28] = (200, 40, 20), UNKNOWN, CAR
    if name == "missed":
        mask[16:48, 36:60] = CAR
    elif name == "false":
        image[16:48, 36:60] = (200, 40, 20)
    files = [io.BytesIO(), io.BytesIO()]
    for array, file in zip((image, mask), files, strict=True):
        Image.fromarray(array).save(file, "PNG")
    return CarPhoto(name, *(file.getvalue() for file in files))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Return what runs the command with a model that takes red for cars, on made-up photos."""
    model = red_cars.red_model()
    monkeypatch.setattr(zoo, "load", lambda *_, **__: model)
    sides = {"validation": PHOTOS[:2], "test": PHOTOS[2:]}
    monkeypatch.setattr(car_photos, "load", lambda _, split: [photo(n) for n in sides[split]])
    monkeypatch.setattr(failed_photos, "FILE", tmp_path / "failed.json")

    def command(*more: str) -> dict:
        assert failed_photos.main(["carvana", "--data-dir", str(tmp_path), *more]) == 0
        return read_json(tmp_path / "failed.json")

    return command


def test_the_photos_that_are_not_good_get_their_figures(run, capsys) -> None:
    found = run()
    assert found["weights"] == zoo.info("carvana").sha256
    missed, false = found["photos"]
    assert (missed["photo"], missed["split"], false["photo"], false["split"]) == (
        "missed", "validation", "false", "test",
    )  # fmt: skip
    assert missed["recall"] == pytest.approx(0.5, abs=0.05)
    assert missed["other"] < 0.03 < 0.9 < false["other"]
    assert (missed["fair"], false["fair"]) == (False, True)
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["validation", "missed"],
        ["test", "false"],
    ]


def test_what_somebody_saw_is_kept_as_long_as_the_weights_are_the_same(run) -> None:
    found = run()
    assert [row["why"] for row in found["photos"]] == ["", ""]
    found["photos"][1]["why"] = "a red fence"
    write_json(failed_photos.FILE, found)
    assert [row["why"] for row in run()["photos"]] == ["", "a red fence"]
    write_json(failed_photos.FILE, found | {"weights": "of before"})
    assert [row["why"] for row in run()["photos"]] == ["", ""]


def test_the_sheet_has_a_row_a_photo_and_shows_what_is_wrong(run, tmp_path: Path) -> None:
    run("--sheet", str(tmp_path / "sheet.png"))
    with Image.open(tmp_path / "sheet.png") as file:
        sheet = np.asarray(file.convert("RGB"))
    row, side = failure_sheet.LINE + failure_sheet.SIDE, failure_sheet.SIDE
    assert sheet.shape == (2 * row, 4 * side, 3)
    y, x = failure_sheet.LINE + side // 2, 3 * side + 3 * side // 4  # the second box, last column
    assert tuple(sheet[y, x]) == YELLOW
    assert tuple(sheet[row + y, x]) == PINK


def test_the_document_names_them_and_says_whose_word_the_reason_is(run) -> None:
    found = run()
    found["photos"][1]["why"] = "a red fence"
    text = failed_photos.section(found, "carvana", found["weights"])
    assert "| missed | validation | neither | 50.0 %" in text
    assert "nobody has looked" in text
    assert "| a red fence |" in text
    assert "words of whoever looked" in text
    assert failed_photos.section(found, "carvana", "other weights") == ""
    assert failed_photos.section(found, "mnist", found["weights"]) == ""


def test_a_classifier_has_no_masks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="mnist is no segmentation network"):
        failed_photos.main(["mnist", "--data-dir", str(tmp_path)])


def test_of_the_shipped_weights_somebody_has_looked_at_every_failure() -> None:
    found = read_json(failed_photos.FILE)
    if found["weights"] == zoo.info(found["model"]).sha256:
        assert all(row["why"] for row in found["photos"])
        test = zoo.record(found["model"], source="bundle")["metrics"]["test_phone"]
        failed = sum(row["split"] == "test" for row in found["photos"])
        assert failed == round((1 - test["good"]) * test["n"])
