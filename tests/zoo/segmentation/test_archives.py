"""The masks and cut-outs of many images in one zip file."""

from __future__ import annotations

import csv
import io
import zipfile

import numpy as np
from PIL import Image

from zoo import Segmentation
from zoo.segmentation import masks
from zoo.segmentation.archives import MaskArchive


def answer(share: float) -> Segmentation:
    """An image of 10 × 20 whose left part is car, its middle part perhaps."""
    probabilities = np.zeros((10, 20), np.float32)
    columns = round(20 * share)
    probabilities[:, :columns] = 0.9
    probabilities[:, columns : columns + 4] = 0.3
    return Segmentation("car", probabilities, probabilities, 0.5, 0.01)


def test_the_archive_holds_each_mask_and_a_table():
    archive = MaskArchive()
    assert archive.add("a.jpg", answer(0.5)) == "a_mask.png"
    assert archive.add("a.png", answer(0.25), threshold=0.2) == "a-2_mask.png"
    archive.add("empty.jpg", answer(0))
    archive.add_problem("b.jpg", "This is not an image.")
    found = zipfile.ZipFile(io.BytesIO(archive.close()))
    assert found.testzip() is None
    assert found.namelist() == ["a_mask.png", "a-2_mask.png", "empty_mask.png", "masks.csv"]
    assert np.array_equal(masks.read(found.read("a_mask.png")), answer(0.5).mask)
    assert np.array_equal(masks.read(found.read("a-2_mask.png")), answer(0.25).mask_at(0.2))
    rows = list(csv.DictReader(io.StringIO(found.read("masks.csv").decode())))
    assert [row["image"] for row in rows] == ["a.jpg", "a.png", "empty.jpg", "b.jpg"]
    assert [float(row["area"]) for row in rows[:3]] == [0.5, 0.45, 0]
    assert [row["found"] for row in rows] == ["True", "True", "False", ""]
    assert (rows[0]["width"], rows[0]["height"]) == ("20", "10")
    assert rows[3]["problem"] == "This is not an image."


def test_cut_outs_lie_beside_their_masks():
    archive = MaskArchive()
    photo = Image.new("RGB", (20, 10), "red")
    archive.add("a.jpg", answer(0.5))
    assert archive.add_cutout(photo, answer(0.5)) == "a_cutout.png"
    before = archive.size
    archive.add("a.png", answer(0.25))
    assert archive.add_cutout(photo, answer(0.25), trim=True) == "a-2_cutout.png"
    assert archive.size > before
    archive.add("b.jpg", answer(0.5))
    found = zipfile.ZipFile(io.BytesIO(archive.close()))
    whole, trimmed = (
        Image.open(io.BytesIO(found.read(name))) for name in ("a_cutout.png", "a-2_cutout.png")
    )
    assert (whole.mode, whole.size) == ("RGBA", (20, 10))
    assert whole.getpixel((2, 5)) == (255, 0, 0, 255)
    assert whole.getpixel((18, 5)) == (0, 0, 0, 0)
    assert trimmed.height == 10
    assert trimmed.width < 12, "five columns of car, four that are perhaps, and a little room"
    rows = list(csv.DictReader(io.StringIO(found.read("masks.csv").decode())))
    assert [row["cutout"] for row in rows] == ["a_cutout.png", "a-2_cutout.png", ""]
