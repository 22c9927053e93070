"""What may not matter to a digit: place, size, pen, colours, light, dirt."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from training.experiments.classification.digit_preparation import CONDITIONS
from zoo.errors import ImageError
from zoo.preprocessing.mnist_format import is_mnist, prepare

SAMPLES = sorted((Path(zoo.__file__).parent / "samples" / "digits").glob("*.png"))


def sample(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"))


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Return the correlation, at the best shift by a pixel: the centre of mass is rounded."""
    shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    return max(np.corrcoef(np.roll(a, s, (0, 1)).ravel(), b.ravel())[0, 1] for s in shifts)


@pytest.fixture(scope="module")
def model() -> zoo.Classifier:
    return zoo.load("mnist", device="cpu", source="bundle")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_mnist_images_pass_bit_for_bit(path: Path) -> None:
    pixels = sample(path)
    gray = Image.fromarray(pixels)
    for source in (pixels, gray, gray.convert("RGB"), path):
        np.testing.assert_array_equal(prepare(source), pixels)


def test_what_is_prepared_is_in_mnists_form_and_stays_as_it_is(digit: np.ndarray) -> None:
    result = prepare(digit)
    assert result.shape == (28, 28)
    assert result.dtype == np.uint8
    assert result.max() == 255
    assert is_mnist(result)
    np.testing.assert_array_equal(prepare(result), result)


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_answer_survives(name: str, model: zoo.Classifier) -> None:
    """Clear digits keep their answer however they are drawn or photographed."""
    rng = np.random.default_rng(0)
    clear = [p for p in map(sample, SAMPLES) if model.predict(p).confidence > 0.97][:6]
    assert len(clear) == 6
    wrong = [
        index
        for index, pixels in enumerate(clear)
        if model.predict(CONDITIONS[name](pixels, rng)).label != model.predict(pixels).label
    ]
    assert len(wrong) <= (1 if "%" in name else 0), wrong


SAME: dict[str, Callable[[np.ndarray], object]] = {
    "moved": lambda pad: np.roll(pad, (-50, 70), (0, 1)),
    "half the size": lambda pad: Image.fromarray(pad).resize((140, 140), Image.Resampling.BOX),
    "three times the size": lambda pad: Image.fromarray(pad).resize((840, 840)),
    "a wide page": lambda pad: np.hstack([pad, np.full((280, 300), 255, np.uint8)]),
    "inverted": lambda pad: 255 - pad,
    "pale": lambda pad: 200 + pad // 5,
    "red on white": lambda pad: np.dstack([np.maximum(pad, 200), pad, pad]),
    "JPEG": lambda pad: jpeg(pad),
    "16 bits": lambda pad: png(Image.fromarray(pad.astype(np.uint16) * 257)),
    "palette": lambda pad: png(Image.fromarray(pad).convert("RGB").quantize(8)),
    "black ink in the alpha channel": lambda pad: png(alpha(pad, 0)),
    "white ink in the alpha channel": lambda pad: png(alpha(pad, 255)),
    "a card on a transparent ground": lambda pad: png(card(pad)),
    "uneven light": lambda pad: (pad * np.linspace(1, 0.3, 280)).astype(np.uint8),
    "a hard shadow": lambda pad: np.where(np.arange(280) > 130, pad // 2, pad),
}


def jpeg(pad: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pad).save(file, "JPEG", quality=60)
    return file.getvalue()


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def alpha(pad: np.ndarray, ink: int) -> Image.Image:
    return Image.merge("LA", [Image.new("L", (280, 280), ink), Image.fromarray(255 - pad)])


def card(pad: np.ndarray) -> Image.Image:
    whole = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    whole.paste(Image.fromarray(pad).convert("RGBA"), (60, 60))
    return whole


@pytest.mark.parametrize("name", SAME)
def test_the_result_stays_nearly_the_same(name: str, digit: np.ndarray) -> None:
    assert likeness(prepare(SAME[name](digit)), prepare(digit)) > 0.95


@pytest.mark.parametrize("width", [1, 2, 4, 8, 16, 24])
def test_thin_strokes_are_thickened_to_mnists(width: int) -> None:
    pad = np.full((280, 280), 255, np.uint8)
    pad[60:220, 140 : 140 + width] = 0  # a "1"
    columns = (prepare(pad) > 127).any(axis=0).sum()
    assert 2 <= columns <= 4  # without thickening, a line of 1 in 160 would vanish


def test_the_aspect_ratio_is_kept() -> None:
    pad = np.zeros((300, 300), np.uint8)
    pad[100:200, 100:108] = pad[192:200, 100:250] = 255  # an L of 150 × 100
    rows, columns = np.nonzero(prepare(pad) > 127)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert width == 20
    assert abs(height - 20 * 100 / 150) <= 1


def test_a_broken_five_keeps_its_flag() -> None:
    path = next(p for p in SAMPLES if p.stem.startswith("5"))
    whole = sample(path)
    large = np.asarray(Image.fromarray(whole).resize((280, 280), Image.Resampling.BICUBIC))
    broken = large.copy()
    rows = np.flatnonzero(large.max(axis=1) > 127)
    cut = rows[0] + (rows[-1] - rows[0]) // 4
    broken[cut : cut + 5] = 0
    assert likeness(prepare(broken), prepare(large)) > 0.85


def test_dirt_does_not_change_the_box(digit: np.ndarray) -> None:
    dirty = digit.copy()
    for y, x in ((5, 5), (270, 30), (20, 265), (260, 260)):
        dirty[y : y + 3, x : x + 3] = 0
    np.testing.assert_array_equal(prepare(dirty), prepare(digit))


def test_an_edge_that_enters_a_photo_is_left_out(digit: np.ndarray) -> None:
    table = digit.copy()
    table[:, :25] = 40
    assert likeness(prepare(table), prepare(digit)) > 0.95


@pytest.mark.parametrize(
    "empty",
    [
        np.full((280, 280), 255, np.uint8),
        np.zeros((280, 280, 4), np.uint8),
        np.full((280, 280, 3), (30, 60, 90), np.uint8),
        np.zeros((28, 28), np.uint8),
    ],
    ids=["white", "transparent", "coloured", "black 28 × 28"],
)
def test_an_empty_pad_says_so(empty: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"^Nothing is drawn yet: "):
        prepare(empty)


def test_paper_without_a_digit_is_refused() -> None:
    rng = np.random.default_rng(0)
    grain = np.clip(220 + rng.normal(0, 4, (280, 280)), 0, 255).astype(np.uint8)
    dust = np.full((280, 280), 255, np.uint8)
    dust[100, 100] = dust[50, 200] = 0
    for paper in (grain, dust):
        with pytest.raises(ImageError):
            prepare(paper)


def test_noise_never_crashes() -> None:
    rng = np.random.default_rng(0)
    for shape in [(8, 8), (8, 300), (300, 8), (28, 28), (64, 64, 3), (200, 100, 4)]:
        for density in (0.001, 0.1, 0.5, 1.0):
            noise = rng.integers(0, 256, shape, np.uint8)
            noise[rng.random(shape[:2]) > density] = 0
            with contextlib.suppress(ImageError):
                assert prepare(noise).shape == (28, 28)


def test_only_mnists_form_passes(digit: np.ndarray) -> None:
    pixels = sample(SAMPLES[0])
    assert is_mnist(pixels)
    assert not is_mnist(np.roll(pixels, 3, axis=1))
    assert not is_mnist(255 - pixels)
    assert not is_mnist(pixels // 2)
    assert not is_mnist(np.zeros((28, 28), np.uint8))
    moved = prepare(np.roll(pixels, 3, axis=1))
    assert likeness(moved, pixels) > 0.9


def test_the_source_is_not_written_to(digit: np.ndarray) -> None:
    before = digit.copy()
    prepare(digit)
    np.testing.assert_array_equal(digit, before)
    pixels = sample(SAMPLES[0]).copy()
    prepare(pixels)[:] = 7
    assert pixels.max() == 255
