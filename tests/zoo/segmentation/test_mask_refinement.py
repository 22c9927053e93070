"""Scaling a mask up: the edge goes where the image has one, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from zoo.segmentation import mask_refinement
from zoo.segmentation.mask_refinement import WALK, enlarge
from zoo.segmentation.masks import iou

SIZE, WORKING = (400, 300), (100, 75)


def scene(contrast: int = 90, noise: float = 3) -> tuple[Image.Image, np.ndarray]:
    """A disc and a box on a gray floor, with some noise, and their mask."""
    drawn = Image.new("L", SIZE)
    draw = ImageDraw.Draw(drawn)
    draw.ellipse((60, 60, 240, 200), 1)
    draw.rectangle((180, 110, 330, 220), 1)
    mask = np.asarray(drawn) > 0
    pixels = np.where(mask[..., None], 120 + contrast, 120) + np.random.default_rng(0).normal(
        0, noise, (*mask.shape, 3)
    )
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), mask


def answer(mask: np.ndarray, shift: int = 0) -> np.ndarray:
    """What a network might say of it at the working size, its edge off by some full pixels."""
    moved = np.roll(mask, (shift, shift), (0, 1))
    small = Image.fromarray(moved.astype(np.uint8) * 255).resize(WORKING, Image.Resampling.BOX)
    hard = Image.fromarray(((np.asarray(small) > 127) * 255).astype(np.uint8))
    blurred = hard.resize((50, 38), Image.Resampling.BILINEAR).resize(
        WORKING, Image.Resampling.BILINEAR
    )
    return np.asarray(blurred, np.float32) / 255


def test_the_edge_moves_to_the_images() -> None:
    image, mask = scene()
    low_res_probabilities = answer(mask, shift=3)
    plain, refined = (enlarge(low_res_probabilities, image, refine=r) for r in (False, True))
    assert iou(plain >= 0.5, mask) < 0.95
    assert iou(refined >= 0.5, mask) > 0.985


def test_where_the_image_shows_no_edge_the_answer_stays() -> None:
    _, mask = scene()
    blank = Image.new("RGB", SIZE, (90, 90, 90))
    low_res_probabilities = answer(mask)
    plain, refined = (enlarge(low_res_probabilities, blank, refine=r) for r in (False, True))
    assert iou(refined >= 0.5, plain >= 0.5) > 0.98


def test_nothing_changes_far_from_the_edge() -> None:
    image, mask = scene()
    plain, refined = (enlarge(answer(mask), image, refine=r) for r in (False, True))
    changed = np.abs(plain - refined) > 0.02
    assert changed.any()
    assert not changed[100:160, 120:160].any(), "inside"
    assert not changed[:40].any(), "outside"
    assert refined.dtype == np.float32
    assert refined.min() >= 0
    assert refined.max() <= 1


def test_the_edge_is_drawn_at_the_threshold() -> None:
    """The probability rises slowly from left to right, the image has two edges on its way."""
    columns = np.mgrid[:300, :400][1]
    low_res_probabilities = np.tile(np.linspace(0, 1, 100, dtype=np.float32), (75, 1))
    pixels = np.where(columns < 100, 60, np.where(columns < 300, 120, 180)).astype(np.uint8)
    image = Image.fromarray(np.dstack([pixels] * 3))
    for threshold, edge in ((0.25, 100), (0.75, 300)):
        refined = enlarge(low_res_probabilities, image, threshold)
        jump = np.abs(np.diff(refined[150])).argmax() + 1
        assert jump == edge


def test_the_probabilities_minimize_the_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the same system written out as a full matrix."""
    monkeypatch.setattr(mask_refinement, "_TOLERANCE", 1e-6)
    rng = np.random.default_rng(0)
    prior = rng.random((6, 7)).astype(np.float32)
    guide = rng.integers(100, 112, (6, 7, 3), np.uint8)
    band = np.zeros((6, 7), bool)
    band[1:5, 0:6] = True  # it touches the image's border
    band[2, 3] = False
    solved = mask_refinement._random_walk(prior, guide, band, WALK)

    pixels = [(r, c) for r in range(6) for c in range(7)]
    matrix, right = np.zeros((42, 42)), np.zeros(42)
    for i, (r, c) in enumerate(pixels):
        if not band[r, c]:
            matrix[i, i], right[i] = 1, prior[r, c]
            continue
        matrix[i, i], right[i] = WALK.prior, WALK.prior * prior[r, c]
        for j, (s, d) in enumerate(pixels):
            if abs(r - s) + abs(c - d) == 1:
                difference = guide[r, c].astype(float) - guide[s, d]
                weight = np.exp(-(difference @ difference) / (2 * WALK.colour**2)) + 1e-4
                matrix[i, i] += weight
                matrix[i, j] -= weight
    expected = np.linalg.solve(matrix, right).reshape(6, 7)
    np.testing.assert_allclose(solved, expected, atol=1e-4)
    np.testing.assert_array_equal(solved[~band], prior[~band])


def test_tiles_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    image, mask = scene()
    low_res_probabilities = answer(mask, shift=2)
    whole = enlarge(low_res_probabilities, image)
    monkeypatch.setattr(mask_refinement, "TILE", 64)
    np.testing.assert_allclose(enlarge(low_res_probabilities, image), whole, atol=5e-3)


@pytest.mark.parametrize("size", [WORKING, (110, 83), (50, 38)])
def test_without_more_pixels_there_is_nothing_to_refine(size: tuple[int, int]) -> None:
    image, mask = scene()
    small = image.resize(size)
    plain, refined = (enlarge(answer(mask), small, refine=r) for r in (False, True))
    assert refined.shape == size[::-1]
    np.testing.assert_array_equal(plain, refined)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_mask_without_an_edge_stays(value: float) -> None:
    image, _ = scene()
    low_res_probabilities = np.full(WORKING[::-1], value, np.float32)
    np.testing.assert_array_equal(
        enlarge(low_res_probabilities, image), np.full(SIZE[::-1], value, np.float32)
    )


def test_noise_is_not_taken_for_an_edge() -> None:
    """It has far too much of one, which would take long; the answer is scaled up as it is."""
    image, _ = scene()
    low_res_probabilities = np.random.default_rng(0).random(WORKING[::-1], dtype=np.float32)
    plain, refined = (enlarge(low_res_probabilities, image, refine=r) for r in (False, True))
    assert np.abs(plain - refined).mean() < 0.05


@pytest.mark.parametrize("size", [(1001, 8), (8, 777), (333, 251)])
def test_any_shape_keeps_its_size(size: tuple[int, int]) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size[::-1], 3), np.uint8))
    height, width = (max(1, round(side * 64 / max(size))) for side in size[::-1])
    low_res_probabilities = np.zeros((height, width), np.float32)
    low_res_probabilities[:, : max(1, width // 2)] = 1
    assert enlarge(low_res_probabilities, image).shape == size[::-1]
