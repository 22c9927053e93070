"""The experiment about masks of full-size photos, on made-up ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests import red_cars
from tests.training.metrics.test_evaluate_masks import NAMES, write
from training.experiments.segmentation import mask_edges
from training.experiments.segmentation.mask_edges import SETTINGS, moved_mask, true_mask
from zoo.segmentation.mask_refinement import WALK, enlarge

EXPERIMENTS = Path(__file__).parents[3] / "zoo" / "experiments"


def shape() -> np.ndarray:
    """A mask as large as a photo."""
    drawn = Image.new("L", (960, 640))
    ImageDraw.Draw(drawn).ellipse((200, 150, 760, 500), 1)
    return np.asarray(drawn) > 0


def test_the_setting_is_the_best_of_those_compared_on_the_networks_own_masks() -> None:
    assert WALK in SETTINGS
    rows = json.loads((EXPERIMENTS / "mask_edges.json").read_text())["rows"]
    own = [row for row in rows if (row["split"], row["mask"]) == ("train", "network")]
    best = max(own, key=lambda row: row["iou"])
    assert (best["colour"], best["prior"]) == (WALK.colour, WALK.prior)


def test_a_moved_edge_is_off_by_about_a_working_pixel() -> None:
    mask, photo = shape(), np.zeros((640, 960, 3), np.uint8)
    right, moved = (source("a", photo, mask) for source in (true_mask, moved_mask))
    assert right.shape == moved.shape == (341, 512)
    assert right.dtype == moved.dtype == np.float32
    edge = np.hypot(*np.gradient((right > 0.5).astype(float))).sum()  # about its length
    off = np.count_nonzero((right > 0.5) != (moved > 0.5)) / edge
    assert 0.3 < off < 1.5
    np.testing.assert_array_equal(moved, moved_mask("a", photo, mask))
    assert not np.array_equal(moved, moved_mask("b", photo, mask))
    scaled = enlarge(right, Image.fromarray(photo), refine=False) >= 0.5
    assert np.count_nonzero(scaled != mask) / np.count_nonzero(mask) < 0.01


def test_the_rows_compare_every_setting_on_other_cars_than_the_test(tmp_path: Path) -> None:
    names = [NAMES[0], "aaaa_01", "bbbb_01"]
    write(tmp_path / "carvana" / "large.parquet", names, scale=5)
    rows = mask_edges.run(red_cars.red_model(), tmp_path, most=1)
    learned, test = rows[:-2], rows[-2:]
    assert [(row["split"], row["mask"], row["n"]) for row in learned] == [
        ("train", mask, 1) for mask in ("true", "moved", "network") for _ in [None, *SETTINGS]
    ]
    assert [(row["split"], row["mask"], row["method"]) for row in test] == [
        ("test", "network", "bilinear"),
        ("test", "network", "refined"),
    ]
    assert [test[1]["colour"], test[1]["prior"]] == [WALK.colour, WALK.prior]
    assert test[1]["iou"] > test[0]["iou"], "the box's edge is sharp in the photo"
    text = mask_edges.finding(rows)
    assert f"from {100 * test[0]['iou']:.2f} % to {100 * test[1]['iou']:.2f} %" in text


@pytest.mark.parametrize("most", [1, None])
def test_the_number_of_images_can_be_limited(tmp_path: Path, most: int | None) -> None:
    write(tmp_path / "carvana" / "large.parquet", [*NAMES, "aaaa_01"], scale=2)
    rows = mask_edges.run(red_cars.red_model(), tmp_path, most)
    assert rows[-1]["n"] == (most or 3)
