"""Cut-outs: soft edges, no fringe of the old background, new backgrounds."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import ImageError
from zoo.samples import samples
from zoo.segmentation import cutouts

GREEN, RED, BLUE = (40, 160, 40), (200, 30, 30), (20, 30, 220)


def scene(size: int = 64) -> tuple[Image.Image, np.ndarray]:
    """A red square on green, mixed at its edge, and the probabilities that say so."""
    share = np.zeros((size, size), np.float32)
    share[16:48, 16:48] = 0.5
    share[17:47, 17:47] = 1
    pixels = share[..., None] * np.array(RED) + (1 - share[..., None]) * np.array(GREEN)
    return Image.fromarray(pixels.astype(np.uint8)), share


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.9, 0.99])
def test_opacity_is_half_at_the_threshold_and_sure_at_the_ends(threshold):
    alpha = cutouts.opacity(np.array([[0, threshold, 1]], np.float32), threshold)
    assert alpha.dtype == np.uint8
    assert alpha[0, 0] == 0
    assert alpha[0, 1] == pytest.approx(128, abs=1)
    assert alpha[0, 2] == 255


def test_opacity_rises_and_cuts_sharply_without_softness():
    p = np.linspace(0, 1, 101, dtype=np.float32)[None]
    assert (np.diff(cutouts.opacity(p, 0.4).astype(int)) >= 0).all()
    sharp = cutouts.opacity(p, 0.4, softness=0)
    assert np.array_equal(sharp[0] == 255, p[0] >= 0.4)
    assert set(np.unique(sharp)) == {0, 255}


@pytest.mark.parametrize("size", [64, 1100, 2500])
def test_a_soft_edge_stays_and_what_hangs_on_nothing_is_no_edge(size):
    share = np.zeros((size, size), np.float32)
    share[16:32, 16:32] = 1
    share[32:34, 16:32] = 0.4  # below the threshold, and connected
    share[48:56, 40:56] = 0.45  # a ghost
    alpha = cutouts.opacity(share, 0.5)
    assert (alpha[32:34, 16:32] > 0).all()
    assert not alpha[48:56, 40:56].any()
    assert cutouts.opacity(share, 0.44)[48:56, 40:56].all()  # a visitor who wants it gets it


def test_the_typical_samples_cut_outs_are_the_cars_alone():
    from scipy.ndimage import label

    model = zoo.load("carvana", source="bundle")
    for sample in samples("cars"):
        if sample.group == "typical":
            found = model.predict(sample.path)
            alpha = cutouts.opacity(found.probabilities, found.threshold)
            assert label(alpha > 0, np.ones((3, 3)))[1] <= found.components, sample.id


def test_a_cut_out_keeps_the_object_and_nothing_else():
    photo, share = scene()
    cut = np.asarray(cutouts.cut_out(photo, cutouts.opacity(share, 0.5)))
    assert cut.shape == (64, 64, 4)
    assert (cut[20:44, 20:44] == (*RED, 255)).all()
    assert (cut[:15] == 0).all()  # transparent pixels keep nothing of the old background


def test_the_edge_has_the_objects_colour_not_the_old_backgrounds():
    photo, share = scene()
    edge = np.asarray(photo)[16, 30].astype(int)
    assert edge[1] > 90  # in the photo it is half green
    cut = np.asarray(cutouts.cut_out(photo, cutouts.opacity(share, 0.5)))[16, 30].astype(int)
    assert 0 < cut[3] < 255
    assert np.abs(cut[:3] - RED).max() <= 6


def test_nothing_found_gives_a_transparent_image():
    photo, share = scene()
    cut = np.asarray(cutouts.cut_out(photo, cutouts.opacity(0 * share, 0.5)))
    assert cut.shape == (64, 64, 4)
    assert not cut.any()


def test_everything_found_gives_the_photo():
    photo, share = scene()
    cut = cutouts.cut_out(photo, cutouts.opacity(0 * share + 1, 0.5))
    assert np.array_equal(np.asarray(cut.convert("RGB")), np.asarray(photo))


def test_a_mask_of_another_size_gets_a_sentence():
    photo, share = scene()
    with pytest.raises(ImageError, match=r"mask has 64 × 30 pixels and the photo 64 × 64"):
        cutouts.cut_out(photo, cutouts.opacity(share[:30], 0.5))


def test_a_new_colour_stands_behind_the_object():
    photo, share = scene()
    cut = cutouts.cut_out(photo, cutouts.opacity(share, 0.5))
    pixels = np.asarray(cutouts.on_colour(cut, BLUE)).astype(int)
    assert (pixels[:15] == BLUE).all()
    assert (pixels[20:44, 20:44] == RED).all()
    mixed = (np.array(RED) + BLUE) / 2
    assert np.abs(pixels[16, 30] - mixed).max() <= 6  # red and blue, no green


@pytest.mark.parametrize("size", [(64, 64), (300, 100), (20, 90)])
def test_another_image_fills_the_background_whatever_its_size(size):
    photo, share = scene()
    cut = cutouts.cut_out(photo, cutouts.opacity(share, 0.5))
    pixels = np.asarray(cutouts.on_image(cut, Image.new("RGB", size, BLUE)))
    assert pixels.shape == (64, 64, 3)
    assert (pixels[:15] == BLUE).all()
    assert (pixels[20:44, 20:44] == RED).all()


def test_a_background_that_is_no_image_gets_a_sentence():
    photo, share = scene()
    cut = cutouts.cut_out(photo, cutouts.opacity(share, 0.5))
    with pytest.raises(ImageError, match="not an image"):
        cutouts.on_image(cut, b"only text")


def test_png_keeps_the_transparency():
    photo, share = scene()
    cut = cutouts.cut_out(photo, cutouts.opacity(share, 0.5))
    again = Image.open(io.BytesIO(cutouts.png(cut)))
    assert again.mode == "RGBA"
    assert np.array_equal(np.asarray(again), np.asarray(cut))
