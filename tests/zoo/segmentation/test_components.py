"""The pieces of a mask: those that hold, and the answer without all but the largest."""

from __future__ import annotations

import numpy as np
import pytest

from tests import red_cars
from zoo.results import Segmentation
from zoo.segmentation import components


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
    assert components.count(scene(), 0.5) == 2
    assert components.count(np.zeros((4, 4), np.float32), 0.5) == 0


def test_the_largest_piece_keeps_its_surroundings_and_loses_the_other_with_its_own() -> None:
    answer = Segmentation("car", scene(), scene(), 0.5, 0.01)
    kept = answer.largest_component()
    assert answer.components == 2
    assert kept.components == 1
    assert np.array_equal(kept.probabilities[:, :15], scene()[:, :15])
    assert not kept.probabilities[:, 22:].any(), "what lies around the other piece goes with it"
    assert kept.mask_at(0.1).sum() == 10 * 12
    assert answer.probabilities[6, 25] > 0.9, "the answer itself stays as it is"


@pytest.mark.parametrize("p", [np.zeros((5, 6), np.float32), np.ones((5, 6), np.float32)])
def test_an_answer_of_one_piece_or_none_stays_as_it_is(p: np.ndarray) -> None:
    kept = Segmentation("car", p, p, 0.5, 0.01).largest_component()
    assert np.array_equal(kept.probabilities, p)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_a_speck_without_a_sure_pixel_is_taken_back_and_a_faint_tail_of_a_sure_one_stays(
    threshold: float,
) -> None:
    p = np.zeros((20, 30), np.float32)
    p[5:12, 3:13], p[8, 13:18] = 0.95, threshold + 0.02  # sure, and a tail of it that is not
    p[3:5, 22:25], p[4, 25] = threshold + 0.05, threshold  # a speck, one pixel just at the edge
    settled = components.hysteresis_threshold(p, threshold)
    assert components.count(p, threshold) == 2
    assert np.array_equal(settled[:, :20], p[:, :20])
    assert (settled[3:5, 22:26] < threshold).all()
    assert settled[3, 22] == pytest.approx(threshold - 0.05), "as doubtful as it was"
    assert components.count(settled, threshold - 0.1) == 2, "a lower threshold shows it again"


def test_a_hole_without_a_sure_pixel_is_filled_but_not_one_at_the_border() -> None:
    p = np.full((20, 30), 0.9, np.float32)
    p[5, 5] = p[0, 10:14] = 0.4  # a pinhole; and as doubtful, where the image ends
    p[10:14, 10:14], p[11, 11] = 0.4, 0.1  # a window
    p[16, 20] = p[17, 21] = 0.4  # two pinholes: in the surroundings corners do not join
    expected = p.copy()
    expected[5, 5] = expected[16, 20] = expected[17, 21] = 0.6
    assert components.hysteresis_threshold(p, 0.5) == pytest.approx(expected)


def test_a_hole_in_a_speck_goes_with_it() -> None:
    ring = np.zeros((9, 9), np.float32)
    ring[3:6, 3:6], ring[4, 4] = 0.6, 0.4
    assert not (components.hysteresis_threshold(ring, 0.5) >= 0.5).any()


@pytest.mark.parametrize("value", [0.0, 0.4, 0.6, 1.0])
def test_a_image_of_one_probability_has_at_most_what_it_is_sure_of(value: float) -> None:
    settled = components.hysteresis_threshold(np.full((6, 7), value, np.float32), 0.5)
    assert (settled >= 0.5).all() == (value == 1.0)
    assert settled.min() >= 0
    assert settled.max() <= 1


def test_every_answer_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = np.full((1, 1, 320, 512), -5.0, np.float32)
    logits[..., 100:200, 100:300] = 5.0
    logits[..., 20:24, 20:24] = 0.5  # 62 %
    model = red_cars.red_model()
    monkeypatch.setattr(model, "logits", lambda inputs: logits)
    answer = model.predict(red_cars.street(), refine=False)
    assert answer.components == 1
    assert answer.low_res_probabilities[21, 21] == pytest.approx(0.378, abs=1e-3)
    assert answer.mask[: answer.mask.shape[0] // 5].sum() == 0


def test_the_pieces_are_those_of_the_image_at_any_size() -> None:
    photo = red_cars.two_cars()
    answer = red_cars.red_model().predict(photo)
    kept = answer.largest_component()
    assert kept.probabilities.shape == photo.size[::-1]
    left, right = np.array_split(kept.mask, 2, axis=1)
    assert left.any()
    assert not right.any()
    assert 0 < kept.area < answer.area
