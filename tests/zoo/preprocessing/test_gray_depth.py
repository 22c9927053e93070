"""Gray of more than 8 bits is scaled by what it holds."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from zoo.errors import ImageError
from zoo.preprocessing import gray_depth
from zoo.preprocessing.images import open_image

GRAY = np.linspace(0, 255, 600).reshape(20, 30)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_camera_of_any_depth_gives_the_same_image(bits: int, kind: str) -> None:
    deep = np.round(GRAY / 255 * (2**bits - 1)).astype(np.uint16)
    file = io.BytesIO()
    Image.fromarray(deep).save(file, kind)
    np.testing.assert_allclose(np.asarray(open_image(file.getvalue(), "L")), GRAY, atol=1)


def test_a_darker_photo_of_12_bits_keeps_its_shades() -> None:
    deep = np.round(GRAY / 255 * 1100).astype(np.uint16)  # more than 10 bits hold
    np.testing.assert_allclose(
        np.asarray(open_image(Image.fromarray(deep), "L")), GRAY * 1100 / 4095, atol=1
    )


@pytest.mark.parametrize(
    ("values", "white"),
    [
        (np.float32([0, 1]), 1.0),
        (np.float32([0, 200]), 255.0),
        (np.int32([0, 70_000]), 70_000.0),
        (np.uint16([0, 0]), 255.0),
        (np.uint16([0, 256]), 1023.0),
    ],
)
def test_white_is_the_largest_value_of_the_fewest_bits(values: np.ndarray, white: float) -> None:
    assert gray_depth.full_scale(values) == white


def test_fractions_numbers_below_zero_and_what_is_no_number() -> None:
    fractions = Image.fromarray((GRAY / 255).astype(np.float32))
    np.testing.assert_allclose(np.asarray(open_image(fractions, "L")), GRAY, atol=1)
    below = Image.fromarray((GRAY - 100).astype(np.int32))
    assert np.asarray(open_image(below, "L")).min() == 0
    for value in (np.nan, np.inf, -np.inf):
        odd = (GRAY / 255).astype(np.float32)
        odd[3, 3] = value
        with pytest.raises(ImageError, match="not numbers"):
            open_image(Image.fromarray(odd))


def test_strips_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = Image.fromarray(np.round(GRAY * 16).astype(np.uint16))
    whole = np.asarray(gray_depth.to_8_bits(deep))
    monkeypatch.setattr(gray_depth, "_STRIP", 70)
    np.testing.assert_array_equal(np.asarray(gray_depth.to_8_bits(deep)), whole)
