"""The pieces of a mask, and the answer without all but the largest."""

from __future__ import annotations

import numpy as np
import pytest

from tests import red_cars
from zoo import pieces
from zoo.results import Segmentation


def scene() -> np.ndarray:
    """A large piece with a soft edge, a small one, and one pixel that touches the large one."""
    p = np.zeros((20, 30), np.float32)
    p[4:14, 2:14] = 0.2
    p[5:13, 3:13] = 0.9
    p[13, 13] = 0.9
    p[5:8, 24:28] = 0.2
    p[6:7, 25:27] = 0.95
    return p


def test_pieces_that_touch_at_a_corner_are_one() -> None:
    assert pieces.count(scene(), 0.5) == 2
    assert pieces.count(np.zeros((4, 4), np.float32), 0.5) == 0


def test_the_largest_piece_keeps_its_surroundings_and_loses_the_other_with_its_own() -> None:
    answer = Segmentation("car", scene(), scene(), 0.5, 0.01)
    kept = answer.largest_piece()
    assert answer.pieces == 2
    assert kept.pieces == 1
    assert np.array_equal(kept.probabilities[:, :15], scene()[:, :15])
    assert not kept.probabilities[:, 22:].any(), "what lies around the other piece goes with it"
    assert kept.mask_at(0.1).sum() == 10 * 12
    assert answer.probabilities[6, 25] > 0.9, "the answer itself stays as it is"


@pytest.mark.parametrize("p", [np.zeros((5, 6), np.float32), np.ones((5, 6), np.float32)])
def test_an_answer_of_one_piece_or_none_stays_as_it_is(p: np.ndarray) -> None:
    kept = Segmentation("car", p, p, 0.5, 0.01).largest_piece()
    assert np.array_equal(kept.probabilities, p)


def test_the_pieces_are_those_of_the_picture_at_any_size() -> None:
    photo = red_cars.two_cars()
    answer = red_cars.red_model().predict(photo)
    kept = answer.largest_piece()
    assert kept.probabilities.shape == photo.size[::-1]
    left, right = np.array_split(kept.mask, 2, axis=1)
    assert left.any()
    assert not right.any()
    assert 0 < kept.area < answer.area
