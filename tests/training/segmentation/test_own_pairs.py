"""Somebody's own images and masks: pairs by name, the report before training, the training."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.training.tiny_cars import TINY
from training.engine.failures import TrainingError
from training.segmentation import own_recipe
from training.segmentation.__main__ import main
from training.segmentation.mask_pairs import find_pairs, group_of, split_groups
from training.segmentation.pair_check import check_pairs, report

COUNT = 12


def draw(seed: int, size: tuple[int, int] = (48, 36)) -> tuple[np.ndarray, np.ndarray]:
    """Return an image of a red leaf on green, uint8 (H, W, 3), and its mask, bool (H, W)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[1], : size[0]]
    middle = rng.uniform(0.35, 0.65, 2) * (size[1], size[0])
    radii = rng.uniform(0.2, 0.35, 2) * (size[1], size[0])
    mask = ((rows - middle[0]) / radii[0]) ** 2 + ((columns - middle[1]) / radii[1]) ** 2 < 1
    image = np.where(mask[..., None], (190, 50, 40), (50, 150, 60)).astype(np.uint8)
    return image + rng.integers(0, 30, image.shape, dtype=np.uint8), mask


def as_file(mask: np.ndarray, kind: str) -> Image.Image:
    """Return a mask as one of the kinds that people have."""
    if kind == "0 and 1":
        return Image.fromarray(mask.astype(np.uint8))
    if kind == "16 bits":
        return Image.fromarray(mask.astype(np.uint16) * 65535)
    if kind == "palette":
        image = Image.fromarray(mask.astype(np.uint8), "P")
        image.putpalette([0, 0, 0, 128, 0, 0])
        return image
    if kind == "alpha":
        rgba = np.zeros((*mask.shape, 4), np.uint8)
        rgba[mask] = 255
        return Image.fromarray(rgba)
    if kind == "soft":
        return Image.fromarray(mask.astype(np.uint8) * 255).resize(
            (mask.shape[1] * 2, mask.shape[0] * 2), Image.Resampling.BICUBIC
        ).resize((mask.shape[1], mask.shape[0]), Image.Resampling.BILINEAR)  # fmt: skip
    return Image.fromarray(mask.astype(np.uint8) * 255)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    images, masks = tmp_path / "images", tmp_path / "masks"
    for folder in (images, masks):
        folder.mkdir()
    for number in range(COUNT):
        image, mask = draw(number)
        Image.fromarray(image).save(images / f"leaf{number:02d}.png")
        as_file(mask, "plain").save(masks / f"leaf{number:02d}.png")
    return images, masks


def said(folders: tuple[Path, Path], held: tuple[str, ...] = ("leaf00",)) -> str:
    matching = find_pairs(*folders)
    return "\n".join(report(matching, check_pairs(matching.pairs), frozenset(held)).lines())


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("plain", "0 and 255 (1)"),
        ("0 and 1", "0 and 1 (1)"),
        ("16 bits", "16 bits, 0 and 65535 (1)"),
        ("palette", "a palette with 2 of its colours (1)"),
        ("alpha", "transparency: what is opaque (1)"),
        ("soft", "soft: "),
    ],
)
def test_every_kind_of_mask_is_read_as_the_same_object(folders, kind: str, told: str) -> None:
    images, masks = folders
    for path in list(images.iterdir())[1:]:
        path.unlink()
    mask = draw(int(next(images.iterdir()).stem[4:]))[1]
    as_file(mask, kind).save(masks / next(images.iterdir()).name)
    text = said(folders)
    assert told in text
    assert "problem" not in text
    share = re.search(r"Foreground: ([\d.]+)%", text)
    assert float(share[1]) == pytest.approx(100 * mask.mean(), abs=1.5)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("{}.png", "has its image's name"),
        ("{}_mask.gif", "NAME_mask is"),
        ("{}-label.png", "NAME_label is"),
        ("gt_{}.png", "gt_NAME is"),
    ],
)
def test_masks_are_found_by_the_usual_names(folders, name: str, rule: str) -> None:
    images, masks = folders
    for path in list(masks.iterdir()):
        Image.open(path).save(masks / name.format(f"other{path.stem[4:]}"))
        path.unlink()
    for path in list(images.iterdir()):
        path.rename(images / f"Other{path.stem[4:]}.png")
    matching = find_pairs(images, masks)
    assert len(matching.pairs) == COUNT
    assert rule in matching.rule
    assert not matching.no_mask
    assert not matching.no_image


def test_images_and_masks_may_lie_in_one_folder(folders) -> None:
    images, masks = folders
    for path in masks.iterdir():
        path.rename(images / f"{path.stem}_mask.png")
    matching = find_pairs(images, images)
    assert [pair.name for pair in matching.pairs] == [f"leaf{n:02d}" for n in range(COUNT)]
    assert not matching.no_mask


def test_what_is_left_over_is_named_and_what_fits_nothing_stops(folders) -> None:
    images, masks = folders
    (masks / "leaf03.png").unlink()
    (images / "leaf05.png").unlink()
    text = said(folders)
    assert "1 image has no mask and will not be used: leaf03.png." in text
    assert "1 mask has no image and will not be used: leaf05.png." in text
    for path in masks.iterdir():
        path.rename(masks / f"x{path.name}")
    with pytest.raises(TrainingError, match=r"No mask in .* fits an image .* xleaf00.png"):
        find_pairs(images, masks)


def test_two_images_of_one_name_stop(folders) -> None:
    images, masks = folders
    Image.open(images / "leaf01.png").save(images / "leaf01.jpg")
    with pytest.raises(TrainingError, match=r"leaf01.jpg and leaf01.png .* two images of one name"):
        find_pairs(images, masks)


def broken(folders: tuple[Path, Path], kind: str) -> None:
    images, masks = folders
    mask = draw(2)[1]
    if kind == "classes":
        drawn = mask.astype(np.uint8) * 7
        drawn[:3] = 11
        Image.fromarray(drawn).save(masks / "leaf02.png")
    elif kind == "turned":
        as_file(mask.T, "plain").save(masks / "leaf02.png")
    elif kind == "size":
        as_file(mask[:-2], "plain").save(masks / "leaf02.png")
    elif kind == "damaged":
        (masks / "leaf02.png").write_bytes(b"\x89PNG no")
    elif kind == "a photo":
        Image.open(images / "leaf02.png").save(masks / "leaf02.png")
    else:
        for path in masks.iterdir():
            Image.fromarray(np.full((36, 48), 255 * (kind == "full"), np.uint8)).save(path)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("classes", "leaf02: The mask has the values 0, 7, 11"),
        ("turned", "leaf02: the image has 48 × 36 and the mask 36 × 48 pixels: one of the two is"),
        ("size", "leaf02: the image has 48 × 36 and the mask 48 × 34 pixels"),
        ("damaged", "leaf02: the mask cannot be read"),
        ("a photo", "leaf02: The mask has"),
        ("empty", "every mask is empty"),
        ("full", "every mask is full"),
    ],
)
def test_what_is_broken_stops_before_training_with_one_sentence(
    folders, kind: str, told: str, tmp_path: Path, capsys
) -> None:
    broken(folders, kind)
    images, masks = map(str, folders)
    out = tmp_path / "run"
    with pytest.raises(TrainingError) as stop:
        main(["--images", images, "--masks", masks, "--out", str(out), "--device", "cpu"])
    assert told in str(stop.value)
    assert "\n" not in str(stop.value)
    assert told in capsys.readouterr().out
    page = (out / "report.html").read_text()
    assert page.count("<figure>") == COUNT
    assert not (out / "model").exists()


def test_doubles_on_both_sides_and_empty_masks_are_warnings(folders) -> None:
    images, masks = folders
    Image.open(images / "leaf00.png").save(images / "leaf07.png")
    Image.fromarray(np.zeros((36, 48), np.uint8)).save(masks / "leaf08.png")
    text = said(folders)
    assert "warning: 1 image is there twice, once to learn from and once held out" in text
    assert "leaf00 = leaf07" in text
    assert "warning: 1 mask is empty: leaf08." in text
    assert "problem" not in text


def test_groups_stay_on_one_side() -> None:
    names = [f"plant{n // 4}_{n % 4}" for n in range(24)]
    groups = [group_of(name, re.compile(r"(plant\d+)_")) for name in names]
    assert groups[:5] == ["plant0"] * 4 + ["plant1"]
    learned, held = split_groups(groups)
    assert len(held) == 1
    assert learned | held == set(groups)
    assert not learned & held
    with pytest.raises(TrainingError, match="All images are in one group"):
        split_groups(["a", "a"])


def test_the_best_constant_mask_is_what_a_network_has_to_beat() -> None:
    left = np.zeros((20, 20), bool)
    left[:, :10] = True
    assert own_recipe.constant_iou([left, left], [left]) == 1.0
    assert own_recipe.constant_iou([left, left], [~left]) == 0.0
    assert own_recipe.verdict(0.8, 0.5).startswith("It learns: ")
    assert "has not learned anything yet" in own_recipe.verdict(0.5, 0.5)


@pytest.mark.usefixtures("one_thread")
def test_it_learns_leaves_and_the_result_is_a_model_like_any_other(
    folders, tmp_path: Path, capsys, monkeypatch
) -> None:
    tiny = replace(
        TINY, epochs=3, images=120, widths=(8, 12), peak_learning_rate=0.01,
        augmentation=replace(own_recipe.SMALL, height=36, width=48),
        low_res_augmentation=replace(own_recipe.SMALL, height=24, width=32),
    )  # fmt: skip
    monkeypatch.setattr(own_recipe, "OWN", tiny)
    images, masks = map(str, folders)
    run = tmp_path / "run"
    arguments = ["--images", images, "--masks", masks, "--out", str(run), "--label", "leaf"]
    arguments += ["--name", "leaves"]
    assert main([*arguments, "--epochs", "3", "--device", "cpu", "--precision", "float32"]) == 0
    text = capsys.readouterr().out
    assert "the best constant mask has" in text
    assert "pairs (a mask has its image's name); 2 of them are held out." in text
    model = zoo.load(str(run / "model"), device="cpu")
    assert (model.name, model.labels) == ("leaves", ("leaf",))
    held = model.record["held_out"]
    assert len(held) == 2
    image, mask = draw(int(held[0][4:]))
    found = model.predict(image)
    assert zoo.segmentation.masks.iou(found.mask, mask) > 0.7
    assert model.record["metrics"]["validation"]["iou"] > 0.7
