"""What a photo as large as is allowed costs: the peak of a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import red_cars
from zoo.segmentation import cutouts, mask_refinement

if not Path("/proc/self/status").exists():
    pytest.skip("only Linux tells a process's own peak", allow_module_level=True)

ROOT = Path(__file__).parents[3]
LIMIT = 1_500  # MB over all, PyTorch's 600 among them
# Not resource.getrusage: a child inherits its parent's peak there, which here is a test worker's.
_BEFORE = """
import re, sys
from pathlib import Path
import zoo
name = next(name for name in zoo.list_models() if zoo.info(name).task == "segmentation")
model = zoo.load(name, source="bundle", device="cpu")
"""
_AFTER = r"""
status = Path("/proc/self/status").read_text()
print("peak", int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024)
"""
# What the page does with an upload, with a box drawn on it, and, at the photo's own size, with a
# click on its downloads.
_PAGE = """
from pages.sections.segmentation import cut_out, segmented_photo
from zoo.segmentation import mask_edits, masks
encoded = open(sys.argv[1], "rb").read()
assert len(encoded) == 25 * 2**20
scene = segmented_photo.look(model, encoded, "large.jpg")
scene = scene.edited(mask_edits.read([{"kind": "box", "box": [0.01, 0.01, 0.98, 0.99]}]))
mask = scene.full().mask_at(0.5)
assert mask.size > 40e6 and not mask[:, :50].any()
masks.png(mask)
del mask
cut_out.encoded(scene, 0.5, cut_out.Look())
"""
PHONE = 25 * 2**20  # bytes: the largest upload; phones put a short film behind the photo


def test_the_peak_of_a_photo_of_48_megapixels_and_25_mb_on_the_page(tmp_path: Path) -> None:
    """The library by itself, with a panorama of 64, is in ``tests/pages/server/test_memory.py``."""
    large = tmp_path / "photo.jpg"
    photo = next((ROOT / "zoo" / "samples" / "cars").glob("*.jpg"))
    with Image.open(photo) as image:
        image.resize((8_000, 6_000)).save(large, quality=60)
    contents = large.read_bytes()
    large.write_bytes(contents + bytes(PHONE - len(contents)))
    done = subprocess.run(
        [sys.executable, "-c", _BEFORE + _PAGE + _AFTER, str(large)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < LIMIT


def test_strips_change_nothing_that_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = red_cars.street(500, 310)
    found = red_cars.red_model().predict(photo)
    low = found.low_res_probabilities
    monkeypatch.setattr(mask_refinement, "WHOLE", 1)
    monkeypatch.setattr(mask_refinement, "STRIP", 5_000)
    stripped = mask_refinement.enlarge(low, photo, found.threshold)
    np.testing.assert_allclose(stripped, found.probabilities, atol=1e-4)
    alpha = cutouts.opacity(found.probabilities, found.threshold)
    whole = np.asarray(cutouts.cut_out(photo, alpha))
    monkeypatch.setattr(cutouts, "STRIP", 5_000)
    np.testing.assert_array_equal(cutouts.opacity(found.probabilities, found.threshold), alpha)
    np.testing.assert_array_equal(np.asarray(cutouts.cut_out(photo, alpha)), whole)
