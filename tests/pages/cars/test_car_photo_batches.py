"""Many photos at once: a zip of masks and cut-outs."""

from __future__ import annotations

import csv
import io
import zipfile

import numpy as np
from PIL import Image

import zoo
from pages.sections.segmentation import photo_batch
from tests import red_cars
from tests.pages import read
from tests.pages.cars.on_the_page import png
from zoo.segmentation import masks


def test_a_batch_gives_a_zip_of_masks(cars):
    files = [
        ("a.png", png(red_cars.street()), "image/png"),
        ("b.png", png(red_cars.street(300, 200)), "image/png"),
        ("c.png", b"only text", "image/png"),
    ]
    cars.file_uploader(key="batch").set_value(files).run()
    cars.button(key="make-masks").click().run()
    assert not cars.exception
    archive = cars.session_state["archive"]
    contents, problems = archive.contents, archive.problems
    found = zipfile.ZipFile(io.BytesIO(contents))
    assert np.array_equal(masks.read(found.read("a_mask.png")), red_cars.car())
    assert masks.read(found.read("b_mask.png")).shape == (200, 300)
    rows = list(csv.DictReader(io.StringIO(found.read("masks.csv").decode())))
    assert [row["image"] for row in rows] == ["a.png", "b.png", "c.png"]
    assert [warning.value for warning in cars.warning] == problems
    assert problems[0].startswith("c.png: This is not an image")
    assert "masks.zip" in cars.get("download_button")[-1].proto.label
    cut = Image.open(io.BytesIO(found.read("a_cutout.png")))
    assert cut.mode == "RGBA"
    assert cut.width < 640, "trimmed to the car"
    previews = read.components(cars, "gallery")[0]["items"]
    assert [item["title"] for item in previews] == ["a.png", "b.png"]
    cars.switch_page("pages/digits.py").run()
    cars.switch_page("pages/cars.py").run()
    assert "masks.zip" in cars.get("download_button")[-1].proto.label, "it outlives the visit"
    assert read.components(cars, "gallery")[0]["items"] == previews


def test_cut_outs_that_would_fill_the_server_are_left_out(cars, monkeypatch):
    monkeypatch.setattr(photo_batch, "LARGEST", 1)
    cars.file_uploader(key="batch").set_value([("a.png", png(red_cars.street()), "image/png")])
    cars.run()
    cars.button(key="make-masks").click().run()
    archive = cars.session_state["archive"]
    assert zipfile.ZipFile(io.BytesIO(archive.contents)).namelist() == ["a_mask.png", "masks.csv"]
    assert archive.problems[0].startswith("1 cut-out would make the file larger")


def test_a_batch_survives_what_nobody_foresaw(cars, monkeypatch):
    predict = zoo.Segmenter.predict

    def fail_at_the_second(model, image, *more):
        if image.size == (300, 200):
            raise RuntimeError("out of something")
        return predict(model, image, *more)

    second = png(red_cars.street(300, 200))
    monkeypatch.setattr(zoo.Segmenter, "predict", fail_at_the_second)
    files = [(name, contents, "") for name, contents in (
        ("aux.jfif", png(red_cars.street())), ("b", second), ("c.png", png(red_cars.street())),
    )]  # fmt: skip
    cars.file_uploader(key="batch").set_value(files).run()
    cars.button(key="make-masks").click().run()
    assert not cars.exception
    archive = cars.session_state["archive"]
    found = zipfile.ZipFile(io.BytesIO(archive.contents))
    assert found.namelist() == [
        *("image-aux_mask.png", "image-aux_cutout.png", "c_mask.png", "c_cutout.png", "masks.csv"),
    ]
    (problem,) = archive.problems
    assert problem.startswith("b: Something went wrong")
    rows = list(csv.DictReader(io.StringIO(found.read("masks.csv").decode())))
    assert [bool(row["problem"]) for row in rows] == [False, True, False]
