import numpy as np
import pytest
from scipy import ndimage

from training.experiments.classification.skeleton import skeleton
from zoo.errors import ImageError
from zoo.preprocessing import ink, strokes

EIGHT = np.ones((3, 3))


def bar(width: int) -> np.ndarray:
    mask = np.zeros((140, 80), bool)
    mask[20:120, 30 : 30 + width] = True
    return mask


def ring(outer: float, inner: float, side: int = 121) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - side // 2
    radius = np.hypot(y, x)
    return (radius < outer) & (radius >= inner)


@pytest.mark.parametrize("width", [3, 5, 10, 20])
def test_measures_the_width_of_a_bar(width: int) -> None:
    assert strokes.stroke_width(bar(width)) == pytest.approx(width, rel=0.12)


@pytest.mark.parametrize(("width", "more"), [(4, 8.0), (10, 3.0), (12, 0.0)])
def test_thickens_a_bar(width: int, more: float) -> None:
    drawn = strokes.thicken(bar(width), more)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert drawn[70].sum() == pytest.approx(width + more, abs=1.1)


def test_a_skeleton_is_thin_inside_and_connected_as_the_mask_is() -> None:
    for mask in (bar(15), ring(50, 30), bar(1)):
        lines = skeleton(mask)
        assert not (lines & ~mask).any()
        assert ndimage.label(lines, EIGHT)[1] == ndimage.label(mask, EIGHT)[1]
        assert ndimage.label(~lines)[1] == ndimage.label(~mask)[1]
        blocks = ndimage.minimum_filter(lines, 3)
        assert not blocks.any()


def test_specks_go_and_parts_stay() -> None:
    drawing = np.zeros((200, 200), np.float32)
    drawing[50:150, 90:100] = 1
    drawing[50:60, 110:130] = 1  # a part
    drawing[10:13, 10:13] = 1  # a speck
    mask = strokes.digit_mask(drawing)
    assert mask[55, 120]
    assert not mask[11, 11]


def test_only_specks_is_an_error() -> None:
    drawing = np.zeros((200, 200), np.float32)
    drawing[10, 10] = 1
    with pytest.raises(ImageError, match="No digit is to be seen"):
        strokes.digit_mask(drawing)


def test_otsu_separates_two_classes() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(20, 5, 5000), rng.normal(100, 5, 1000)])
    histogram = ink._Histogram(values.clip(0))
    assert 35 < histogram.otsu() < 85
    assert histogram.median_above(60) == pytest.approx(100, abs=1)
    assert histogram.strongest() == pytest.approx(np.sort(values)[-8], abs=1)
    assert ink._Histogram(np.zeros(9)).otsu() == 0


def test_printed_lines_go_and_strokes_that_cross_them_stay_whole() -> None:
    mask = np.zeros((240, 320), bool)
    mask[60:180, 150:162] = True  # a "1"
    alone = mask.copy()
    x = np.arange(320)
    for start in (40, 90, 140, 190):
        for row in range(3):
            mask[start + row + x // 60, x] = True  # tilted
    cleaned = strokes.without_lines(mask)
    assert (cleaned == alone).mean() > 0.998
    assert ndimage.label(cleaned & alone, EIGHT)[1] == 1


def test_a_sevens_bar_is_no_printed_line() -> None:
    mask = np.zeros((100, 100), bool)
    mask[20:26, 20:80] = mask[20:90, 74:80] = True
    np.testing.assert_array_equal(strokes.without_lines(mask), mask)
