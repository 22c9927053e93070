"""The command on a segmentation model: answers, masks and cut-outs as files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo.__main__ as command
from tests import cars, red_cars
from tests.hub import tiny
from tests.zoo.test_command import run
from zoo.weights import catalog


@pytest.fixture(autouse=True)
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zoo of a digit model and a car model."""
    monkeypatch.delenv("ZOO_REPO", raising=False)
    models = {"mnist": tiny.model_files(), "carvana": cars.model_files()}
    monkeypatch.setattr(catalog, "CATALOG_PATH", tiny.write_zoo(tmp_path / "zoo", models))


@pytest.fixture
def red(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``carvana`` be a model that takes red for cars."""
    monkeypatch.setattr(command, "load", lambda *_, **__: red_cars.red_model())


@pytest.fixture
def photo(tmp_path: Path) -> str:
    image = Image.new("RGB", (120, 80), (20, 40, 200))
    image.paste((200, 40, 20), (30, 20, 90, 60))
    image.save(tmp_path / "street.jpg", quality=95)
    return str(tmp_path / "street.jpg")


def test_list_info_and_verify_know_both_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "list")
    digits, photos = out.splitlines()[1:]
    assert "accuracy 10.00%" in digits
    assert "segmentation" in photos
    assert "iou 98.00%, dice 99.00%, boundary_iou 90.00%, worst 95.00%" in photos
    code, out, _ = run(capsys, "info", "carvana")
    assert code == 0
    assert "(n=2)" in out
    code, out, _ = run(capsys, "verify")
    assert code == 0
    assert "carvana: 3 files match the catalog and load" in out


def test_predict_says_how_much_is_car(
    red: None, photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (50, 50), "blue").save(tmp_path / "sky.png")
    code, out, _ = run(capsys, "predict", "carvana", photo, str(tmp_path / "sky.png"))
    assert code == 0
    first, second = out.splitlines()
    assert first.startswith(f"{photo}: car on 2")
    assert second.endswith("sky.png: no car found")
    _, out, _ = run(capsys, "predict", "carvana", photo, "--json")
    (answer,) = json.loads(out)
    assert set(answer) == {
        *("image", "label", "found", "area", "confidence", "uncertain_area", "box"),
        *("threshold", "width", "height", "seconds"),
    }
    assert answer["area"] == pytest.approx(0.25, rel=0.1)


def test_the_mask_and_the_cut_out_are_saved_at_the_photos_size(
    red: None, photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out_dir = tmp_path / "new" / "masks"
    code, out, _ = run(
        capsys,
        *("predict", "carvana", photo, "--json"),
        *("--save-mask", str(out_dir), "--save-cutout", str(out_dir)),
    )
    assert code == 0
    (answer,) = json.loads(out)
    assert answer["mask"] == str(out_dir / "street_mask.png")
    assert answer["cutout"] == str(out_dir / "street_cutout.png")
    assert sorted(path.name for path in out_dir.iterdir()) == [  # and no temporary file
        "street_cutout.png",
        "street_mask.png",
    ]
    mask = np.asarray(Image.open(answer["mask"]))
    assert mask.shape == (80, 120)
    assert set(np.unique(mask)) == {0, 255}
    assert (mask > 0).mean() == pytest.approx(answer["area"])
    cut = np.asarray(Image.open(answer["cutout"]))
    assert cut.shape == (80, 120, 4)
    assert cut[40, 60, 3] == 255
    assert cut[40, 60, 0] > 150
    assert cut[5, 5, 3] == 0


def test_only_the_largest_piece_is_saved_if_that_is_wanted(
    red: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "two.png"
    red_cars.two_cars().save(photo)
    shares = []
    for wish in ((), ("--largest-component",)):
        command = ("predict", "carvana", str(photo), "--json", "--save-mask", str(tmp_path))
        code, out, _ = run(capsys, *command, *wish)
        assert code == 0
        (answer,) = json.loads(out)
        left, right = np.array_split(np.asarray(Image.open(answer["mask"])) > 0, 2, axis=1)
        assert answer["area"] == pytest.approx((left.mean() + right.mean()) / 2)
        shares.append((left.mean(), right.mean()))
    (left, right), (left_alone, nothing) = shares
    assert left == left_alone > 0
    assert right > nothing == 0


def test_images_of_one_name_do_not_overwrite_each_other(
    red: None, photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "street.png"
    Image.new("RGB", (50, 50), "red").save(other)
    _, out, _ = run(capsys, "predict", "carvana", photo, str(other), "--save-mask", str(tmp_path))
    assert Image.open(tmp_path / "street_mask.png").size == (120, 80)
    assert Image.open(tmp_path / "street-2_mask.png").size == (50, 50)
    assert "street-2_mask.png" in out.splitlines()[1]


def test_what_cannot_be_saved_is_one_line(
    red: None, photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "predict", "carvana", photo, "--save-mask", photo)
    assert code == 2
    assert "name another folder" in err


def test_a_classifier_has_no_masks_to_save(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "predict", "mnist", photo, "--save-mask", str(tmp_path))
    assert (code, out) == (2, "")
    assert "mnist names what an image shows; it has no masks to save" in err
