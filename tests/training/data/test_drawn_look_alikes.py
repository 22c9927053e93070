"""Flags on ones, bars through sevens, and images of no digit, as training draws them."""

from __future__ import annotations

import numpy as np
import pytest

from training.data import not_digits
from training.data.drawn_look_alikes import LookAlikes, segment
from zoo.preprocessing.mnist_format import is_mnist


def one() -> np.ndarray:
    return segment(np.array([5.0, 15.0]), np.array([23.0, 13.0]), 2.5)


def seven() -> np.ndarray:
    corner = np.array([5.0, 19.0])
    bar = segment(np.array([5.0, 8.0]), corner, 2.5)
    return np.maximum(bar, segment(corner, np.array([23.0, 12.0]), 2.5))


def test_a_flag_falls_to_the_left_of_the_stems_top() -> None:
    options = LookAlikes(flag=1, foot=0, bold=0)
    for seed in range(20):
        drawn = options.with_flag(one(), np.random.default_rng(seed))
        added = (drawn > 127) & ~(one() > 127)
        rows, columns = np.nonzero(added)
        assert len(rows) >= 4
        assert columns.max() <= 17  # the pen is round
        assert rows.max() <= 5 + 18 * options.flag_length[1] + 2


def test_a_foot_is_as_wide_on_both_sides() -> None:
    options = LookAlikes(flag=1, foot=1, bold=0, flag_length=(0.2, 0.2))
    drawn = options.with_flag(one(), np.random.default_rng(0))
    columns = np.nonzero((drawn[21:] > 127).any(axis=0))[0]
    assert columns.min() <= 11
    assert columns.max() >= 15


def test_a_bar_crosses_the_stem_in_the_middle() -> None:
    for seed in range(20):
        drawn = LookAlikes().with_bar(seven(), np.random.default_rng(seed))
        rows, columns = np.nonzero((drawn > 127) & ~(seven() > 127))
        assert 9 <= rows.min() <= rows.max() <= 20
        assert columns.min() < 14 < columns.max()


def test_only_ones_and_sevens_change_and_nothing_is_written_to() -> None:
    images = np.stack([one(), seven(), one()])
    before = images.copy()
    changed = LookAlikes(flag=1, bar=1)(images, np.array([1, 7, 4]), np.random.default_rng(0))
    assert (images == before).all()
    assert (changed[:2] != before[:2]).any(axis=(1, 2)).all()
    assert (changed[2] == before[2]).all()


def test_a_one_that_leans_very_much_keeps_its_single_stroke() -> None:
    leaning = segment(np.array([8.0, 22.0]), np.array([20.0, 6.0]), 2.5)
    drawn = LookAlikes(flag=1).with_flag(leaning, np.random.default_rng(0))
    assert (drawn == leaning).all()


@pytest.mark.parametrize("count", [0, 1, 12])
def test_images_of_no_digit_have_mnists_form_and_repeat(count: int) -> None:
    digits = np.stack([one(), seven()])
    first, second = (not_digits.draw(count, digits, np.random.default_rng(3)) for _ in range(2))
    assert first.shape == (count, 28, 28)
    assert (first == second).all()
    assert sum(is_mnist(image) for image in first) >= 0.7 * count  # a few are too lopsided


def test_two_digits_stand_side_by_side() -> None:
    digits = np.stack([one(), one()])
    row = not_digits.several_digits(digits, np.random.default_rng(1))
    ink = (row > 127).any(axis=0).astype(int)
    assert (np.diff(ink) == 1).sum() in (2, 3)
