"""Masks: reading them, comparing them, and saying where the network is unsure."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torchmetrics.classification import BinaryF1Score, BinaryJaccardIndex

from zoo import ImageError
from zoo.segmentation import masks


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.random((40, 60)) < 0.4, rng.random((40, 60)) < 0.5


def square(size: int = 60, left: int = 15, right: int = 45) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[left:right, left:right] = True
    return mask


def test_iou_and_dice_agree_with_torchmetrics(pair):
    predicted, true = pair
    tensors = torch.from_numpy(predicted).int(), torch.from_numpy(true).int()
    assert masks.iou(predicted, true) == pytest.approx(BinaryJaccardIndex()(*tensors).item())
    assert masks.dice(predicted, true) == pytest.approx(BinaryF1Score()(*tensors).item())


@pytest.mark.parametrize("metric", [masks.iou, masks.dice, masks.boundary_iou])
def test_metrics_of_equal_empty_and_disjoint_masks(metric):
    nothing, left, right = np.zeros((30, 30), bool), square(30, 2, 10), square(30, 15, 25)
    assert metric(left, left) == 1
    assert metric(nothing, nothing) == 1
    assert metric(left, nothing) == metric(nothing, left) == 0
    assert metric(left, right) == 0


def test_the_boundary_is_the_ring_of_that_width():
    ring = masks.boundary(square(), 3)
    assert np.array_equal(ring, square() & ~square(60, 18, 42))
    whole = np.ones((20, 20), bool)  # the image's border counts as outside
    assert masks.boundary(whole, 2).sum() == 20 * 20 - 16 * 16


def test_boundary_iou_sees_the_edge_where_iou_sees_the_inside():
    true, predicted = square(200, 20, 180), square(200, 23, 177)
    assert masks.iou(predicted, true) == pytest.approx((154 / 160) ** 2)
    # d = round(0.02 · 200 √2) = 6: rings of 6 pixels, 3 of which they share
    ring = 160**2 - 148**2
    inner = 154**2 - 142**2
    shared = 154**2 - 148**2
    assert masks.boundary_iou(predicted, true) == pytest.approx(shared / (ring + inner - shared))


def test_errors_name_each_pixel():
    predicted = np.array([[False, False], [True, True]])
    true = np.array([[False, True], [False, True]])
    expected = [[masks.OUTSIDE, masks.MISSED], [masks.FALSE_ALARM, masks.HIT]]
    assert masks.error_map(predicted, true).tolist() == expected


def test_unsure_is_what_is_neither_clearly_yes_nor_no():
    probabilities = np.array([[0.0, 0.1, 0.2], [0.5, 0.89, 1.0]], np.float32)
    assert masks.uncertain(probabilities).tolist() == [[False, False, True], [True, True, False]]
    assert masks.area_fraction(masks.uncertain(probabilities)) == 0.5


@pytest.mark.parametrize("form", ["PNG", "GIF", "1-bit", "cut-out", "opaque RGBA"])
def test_masks_are_read_in_the_forms_that_people_have(form):
    mask = square()
    gray = Image.fromarray(mask.astype(np.uint8) * 255)
    if form == "1-bit":
        gray = gray.convert("1")
    elif form == "cut-out":  # a dark car: what counts is that it is opaque
        dark = Image.new("L", gray.size, 10)
        gray = Image.merge("RGBA", (dark, dark, dark, gray))
    elif form == "opaque RGBA":
        gray = gray.convert("RGBA")
    buffer = io.BytesIO()
    gray.save(buffer, "GIF" if form == "GIF" else "PNG")
    assert np.array_equal(masks.read(buffer.getvalue(), (60, 60)), mask)


def test_a_mask_of_another_size_gets_a_sentence():
    with pytest.raises(ImageError, match=r"mask has 60 × 60 pixels and the photo 640 × 400: give"):
        masks.read(masks.png(square()), (640, 400))


def test_png_can_be_read_again():
    mask = square()
    image = Image.open(io.BytesIO(masks.png(mask)))
    assert image.mode == "L"
    assert set(np.unique(np.asarray(image))) == {0, 255}
    assert np.array_equal(masks.read(image), mask)


@pytest.mark.parametrize(
    ("photo", "name"),
    [
        ("street.jpg", "street_mask.png"),
        ("my.car.jpeg", "my.car_mask.png"),
        ("../../etc/passwd", "passwd_mask.png"),
        ("C:\\photos\\a.png", "a_mask.png"),
        ("", "image_mask.png"),
    ],
)
def test_file_names_keep_no_folder(photo, name):
    assert masks.file_name(photo) == name


def test_file_names_are_unique():
    taken: set[str] = set()
    names = [masks.file_name(name, taken) for name in ("a.jpg", "a.png", "a-2.jpg", "a.gif")]
    assert len(set(names)) == 4
