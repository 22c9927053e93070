"""Masks: reading them, comparing them, and saying where the network is unsure."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

import zoo
from zoo import ImageError
from zoo.samples import samples
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
    from torchmetrics.classification import BinaryF1Score, BinaryJaccardIndex  # takes seconds

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


VOC = [128 * (index >> bit & 1) for index in range(256) for bit in range(3)]
INDEX = square().astype(np.uint8)


def palette(indices: np.ndarray, colours: list[int] = VOC) -> Image.Image:
    image = Image.fromarray(indices).convert("P")
    image.putdata(indices.ravel())
    image.putpalette(colours)
    return image


def rgb(colour: tuple[int, int, int]) -> Image.Image:
    return Image.fromarray((INDEX[..., None] * np.array(colour)).astype(np.uint8))


def cut_out(opaque: int) -> Image.Image:
    image = Image.new("RGBA", (60, 60), (9, 9, 9, 0))
    image.putalpha(Image.fromarray(INDEX * np.uint8(opaque)))
    return image


UNDERSTOOD = {
    "class numbers 0 and 1": lambda: Image.fromarray(INDEX),
    "class number 26": lambda: Image.fromarray(INDEX * 26),
    "a palette, class 1 in dark red": lambda: palette(INDEX),
    "a palette, class 7 in gray": lambda: palette(INDEX * 7),
    "a palette without colours": lambda: palette(INDEX, [0] * 768),
    "a palette with a transparent background": lambda: with_transparency(palette(INDEX)),
    "a class's colour": lambda: rgb((0, 0, 142)),
    "the darkest colour": lambda: rgb((1, 0, 0)),
    "16 bits, 0 and 1": lambda: Image.fromarray(INDEX.astype(np.uint16)),
    "16 bits, 0 and 255": lambda: Image.fromarray(INDEX.astype(np.uint16) * 255),
    "16 bits, white": lambda: Image.fromarray(INDEX.astype(np.uint16) * 65535),
    "32 bits, 0 and 1": lambda: Image.fromarray(INDEX.astype(np.int32)),
    "opacity 0 and 1": lambda: cut_out(1),
    "opacity 0 and 255": lambda: cut_out(255),
    "dark gray and light gray": lambda: Image.fromarray(INDEX * 190 + 30),
}


def with_transparency(image: Image.Image) -> Image.Image:
    image.info["transparency"] = 0
    return image


@pytest.mark.parametrize("form", UNDERSTOOD)
def test_masks_are_understood_as_tools_write_them(form: str) -> None:
    image = UNDERSTOOD[form]()
    assert np.array_equal(masks.read(image), square())
    buffer = io.BytesIO()
    image.save(buffer, "PNG" if image.mode != "I" else "TIFF")
    assert np.array_equal(masks.read(buffer.getvalue()), square())


@pytest.mark.parametrize("dtype", [np.uint8, np.bool_])
def test_masks_as_arrays(dtype: type) -> None:
    given = square().astype(dtype)
    read = masks.read(given)
    assert np.array_equal(read, square())
    read[:] = True
    assert not given.all()


def test_empty_and_full_masks_are_what_they_are() -> None:
    for dtype, white in ((np.uint8, 255), (np.uint16, 65535)):
        assert not masks.read(Image.fromarray(np.zeros((20, 20), dtype))).any()
        assert masks.read(Image.fromarray(np.full((20, 20), white, dtype))).all()


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_soft_edges_and_jpeg_do_not_matter(quality: int) -> None:
    mask = square(400, 90, 300)
    drawn = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(2))
    for image in (drawn, drawn.convert("RGB")):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        assert masks.iou(masks.read(buffer.getvalue()), mask) > 0.98
    small = Image.fromarray(mask.astype(np.uint8) * 255).resize((133, 133), Image.Resampling.BOX)
    assert masks.read(small).sum() == pytest.approx(mask.sum() / 9, rel=0.05)


def classes(*values: int, void: int = 0) -> Image.Image:
    """Stripes of equal width, and a narrow one of "void" at the right."""
    drawn = np.repeat(np.array(values, np.uint8), 120 // len(values))[None].repeat(90, axis=0)
    if void:
        drawn[:, -6:] = void
    return Image.fromarray(np.ascontiguousarray(drawn))


REFUSED = {
    "1 everywhere": lambda: classes(1),
    "classes 1 and 2": lambda: classes(1, 2),
    "three classes": lambda: classes(0, 1, 2),
    "a class and a void border": lambda: classes(0, 1, void=255),
    "a trimap": lambda: classes(0, 128, 255),
    "19 classes and void": lambda: classes(*range(20), void=255),
    "opacity of classes": lambda: alpha_of(classes(0, 1, 2)),
    "nothing opaque": lambda: Image.new("RGBA", (60, 60)),
    "three colours": lambda: palette(INDEX + (INDEX.cumsum(axis=0) > 9)),
    "red on white": lambda: Image.fromarray(255 - INDEX[..., None] * np.uint8([0, 255, 255])),
    "16 bits, three classes": lambda: Image.fromarray(
        np.asarray(classes(0, 1, 2)).astype(np.uint16)
    ),
    "a photo": lambda: zoo.open_image(samples("cars")[0].path),
    "a gray photo": lambda: zoo.open_image(samples("cars")[0].path, "L"),
}


def alpha_of(gray: Image.Image) -> Image.Image:
    image = gray.convert("RGBA")
    image.putalpha(gray)
    return image


@pytest.mark.parametrize("form", REFUSED)
def test_a_mask_that_does_not_say_what_the_object_is_gets_a_sentence(form: str) -> None:
    with pytest.raises(ImageError, match=r"^The mask .*: give one that is black .*\.$") as error:
        masks.read(REFUSED[form]())
    assert len(str(error.value)) < 200


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
