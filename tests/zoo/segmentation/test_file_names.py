"""Names of saved files: from images of any name, good on every system."""

from __future__ import annotations

import csv
import io
import os
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import red_cars
from zoo import Segmentation
from zoo.segmentation import file_names, masks
from zoo.segmentation.archives import MaskArchive
from zoo.segmentation.saving import Saver

NAMES = {
    "ordinary.jpg": "ordinary",
    "C:\\photos\\street 1.jpg": "street 1",
    "aux.jpg": "image-aux",
    "COM1.tar.png": "image-COM1.tar",
    "com\u00b9.png": "image-com\u00b9",
    "conference.png": "conference",
    'a<b>c:d"e|f?g*h.png': "a_b_c_d_e_f_g_h",
    "two\nlines\x07.png": "two_lines_",
    "caf\udce9.png": "caf_",
    "Straße 東京 🚗.jpeg": "Straße 東京 🚗",
    ".hidden": "_hidden",
    "--option.png": "_option",
    "dots...png": "dots",
    " blanks .png": "blanks",
    "...": "_",
    "": "image",
    "nothing\0.png": "nothing",
}


@pytest.mark.parametrize("name", NAMES)
def test_what_not_every_system_allows_is_left_out(name: str) -> None:
    assert file_names.stem(name) == NAMES[name]


def test_a_long_name_is_cut_between_letters() -> None:
    for letter in ("a", "é", "東", "🚗"):
        stem = file_names.stem(letter * 300 + ".png")
        assert set(stem) == {letter}
        assert 100 <= len(stem.encode()) <= 120


def test_names_that_some_system_takes_for_one_are_numbered() -> None:
    accent = unicodedata.normalize("NFD", "é.png")
    taken: set[str] = set()
    names = [masks.file_name(name, taken) for name in ("é.png", accent, "É.jpg", "é-2.png")]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names}) == 4
    assert names[:2] == ["é_mask.png", unicodedata.normalize("NFD", "é") + "-2_mask.png"]


def answer() -> tuple[Image.Image, Segmentation]:
    photo = red_cars.street(64, 40)
    return photo, red_cars.red_model().predict(photo)


def test_masks_and_cutouts_of_any_name_are_written(tmp_path: Path) -> None:
    photo, found = answer()
    saver = Saver(tmp_path, tmp_path)
    written = [path for name in NAMES for path in saver.save(name, photo, found).values()]
    assert len(set(written)) == len(list(tmp_path.iterdir())) == 2 * len(NAMES)
    for path in map(Path, written):
        assert path.parent == tmp_path
        assert len(os.fsencode(path.name)) < 143
        assert path.name.isprintable()
        assert Image.open(path).size == photo.size


def test_an_archive_holds_images_of_any_name() -> None:
    _, found = answer()
    archive = MaskArchive()
    names = [archive.add(name, found) for name in NAMES]
    archive.add_problem("bad-\udce9.png", "This is no image.")
    packed = zipfile.ZipFile(io.BytesIO(archive.close()))
    assert sorted(packed.namelist()) == sorted([*names, "masks.csv"])
    assert len(set(names)) == len(NAMES)
    rows = list(csv.DictReader(io.StringIO(packed.read("masks.csv").decode(), newline="")))
    assert len(rows) == len(NAMES) + 1
    assert rows[-1]["image"] == "bad-\\udce9.png"
    assert np.array_equal(masks.read(packed.read(names[0])), found.mask)
