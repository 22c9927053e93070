"""Digits in printed frames: what is left is the digit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

import zoo
from training.experiments.classification.digit_look_alikes import FRAMES
from zoo.errors import ImageError
from zoo.preprocessing import frames, strokes
from zoo.preprocessing.mnist_format import prepare
from zoo.samples import samples

TYPICAL = [sample for sample in samples("digits") if sample.group == "typical"]


def digit(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"))


@pytest.mark.parametrize("way", list(FRAMES))
@pytest.mark.parametrize("sample", TYPICAL[::2], ids=lambda sample: f"digit {sample.label}")
def test_a_frame_does_not_change_the_answer(way: str, sample) -> None:
    model = zoo.load("mnist", device="cpu", source="bundle")
    image = FRAMES[way](digit(sample.path), np.random.default_rng(1))
    assert model.predict(image).label == sample.label


def ring(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((60, 30, 220, 250), outline=0, width=20)


def seven(draw: ImageDraw.ImageDraw) -> None:
    draw.line([(40, 40), (240, 40), (240, 250)], fill=0, width=18)


def flagged_one(draw: ImageDraw.ImageDraw) -> None:
    draw.line([(80, 100), (140, 30), (140, 250)], fill=0, width=18)
    draw.line([(60, 250), (220, 250)], fill=0, width=18)


def seven_segment_zero(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((90, 40, 190, 240), outline=0, width=16)


def seven_segment_eight(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((60, 40, 220, 240), outline=0, width=16)
    draw.line([(60, 140), (220, 140)], fill=0, width=16)


@pytest.mark.parametrize("drawing", [ring, seven, flagged_one, seven_segment_zero])
def test_a_digit_is_no_frame(drawing: Callable[[ImageDraw.ImageDraw], None]) -> None:
    mask = ink_of(drawing)
    np.testing.assert_array_equal(strokes.digit_mask(mask.astype(np.float32)), mask)


def test_a_bar_between_two_sides_is_not_what_a_frame_holds() -> None:
    mask = ink_of(seven_segment_eight)
    np.testing.assert_array_equal(strokes.digit_mask(mask.astype(np.float32)), mask)


def test_an_empty_frame_says_so() -> None:
    page = Image.new("L", (280, 280), 255)
    ImageDraw.Draw(page).rectangle((20, 30, 250, 260), outline=0, width=4)
    with pytest.raises(ImageError, match="a frame, but no digit in it"):
        prepare(page)


def test_a_stroke_across_a_frame_stays_whole() -> None:
    page = Image.new("L", (280, 280))
    draw = ImageDraw.Draw(page)
    draw.rectangle((20, 20, 230, 230), outline=255, width=4)
    draw.line([(140, 60), (140, 262)], fill=255, width=16)
    mask = strokes.digit_mask(np.asarray(page).astype(np.float32) / 255)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert (rows[0], rows[-1]) == (60, 262)
    assert len(rows) == 262 - 60 + 1  # mended where the frame was
    assert columns[-1] - columns[0] < 24


def test_a_light_interior_is_no_ink() -> None:
    """A black edge around the image is neither paper nor ink."""
    pixels = np.full((200, 240, 1), 255, np.float32)
    pixels[:6], pixels[-6:], pixels[:, :6], pixels[:, -6:] = 0, 0, 0, 0
    pixels[60:140, 110:120] = 0
    inside = frames.without_edge_lines(pixels)
    assert inside.shape[0] in range(180, 189)
    assert inside.shape[1] in range(220, 229)
    assert (inside[[0, -1]] == 255).all()
    assert (inside == 0).sum() == 80 * 10


@pytest.mark.parametrize("sample", TYPICAL, ids=lambda sample: f"digit {sample.label}")
def test_a_digit_that_is_cut_out_tightly_is_read(sample) -> None:
    large = Image.fromarray(255 - digit(sample.path)).resize((280, 280), Image.Resampling.BICUBIC)
    ink = np.asarray(large) < 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cut = large.crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    model = zoo.load("mnist", device="cpu", source="bundle")
    assert model.predict(cut).label == sample.label


def ink_of(drawing: Callable[[ImageDraw.ImageDraw], None]) -> np.ndarray:
    page = Image.new("L", (280, 280), 255)
    drawing(ImageDraw.Draw(page))
    return np.asarray(page) == 0
