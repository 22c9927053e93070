"""What is handed in is as it was afterwards: pixels, frame, place in a file, the process."""

from __future__ import annotations

import contextlib
import io
import logging
import threading
import warnings

import numpy as np
import pytest
from PIL import Image

from tests.zoo.preprocessing.damaged import PHOTO, encoded, exif, files, frames
from zoo.errors import ImageError
from zoo.preprocessing import image_files
from zoo.preprocessing.images import open_image, read_image


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG", "MPO"])
@pytest.mark.parametrize("loaded", [True, False])
def test_an_animation_stays_at_its_frame(kind: str, loaded: bool) -> None:
    contents = encoded(PHOTO, kind, **frames())
    with Image.open(io.BytesIO(contents)) as image, Image.open(io.BytesIO(contents)) as other:
        image.seek(2)
        other.seek(2)
        if loaded:
            image.load()
        first = open_image(image)
        assert image.tell() == 2
        np.testing.assert_array_equal(np.asarray(image), np.asarray(other))
        assert (image.mode, image.size) == (other.mode, other.size)
        np.testing.assert_array_equal(np.asarray(first), np.asarray(open_image(contents)))
        image.seek(1)  # and it can be played on
        other.seek(1)
        np.testing.assert_array_equal(np.asarray(image), np.asarray(other))


def test_what_was_drawn_on_a_frame_is_still_there() -> None:
    with Image.open(io.BytesIO(encoded(PHOTO, "TIFF", **frames()))) as image:
        image.seek(1)
        image.putpixel((3, 4), (1, 2, 3))
        open_image(image)
        assert image.tell() == 1
        assert image.getpixel((3, 4)) == (1, 2, 3)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16", "F"])
def test_an_image_keeps_its_pixels_mode_and_orientation(mode: str) -> None:
    image = PHOTO.convert("L").convert(mode) if mode == "I;16" else PHOTO.convert(mode)
    image.info["dpi"] = (72, 72)
    image.getexif()[0x0112] = 6
    before = image.copy()
    for opened in (open_image(image), read_image(image), open_image(image, "L")):
        assert opened.size == image.size[::-1]
        opened.paste(0, (0, 0, *opened.size))
    assert image.mode == mode
    assert image.tobytes() == before.tobytes()
    assert image.getexif()[0x0112] == 6
    assert image.info["dpi"] == (72, 72)


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (20, 30, 4)])
def test_an_array_is_not_written_to_and_not_kept(shape: tuple[int, ...]) -> None:
    array = np.full(shape, 200, np.uint8)
    opened = read_image(array)
    opened.paste(0, (0, 0, *opened.size))
    assert (array == 200).all()
    opened = read_image(array)
    array[:] = 0
    assert np.asarray(opened).min() == 200


def test_an_open_file_stays_where_it_was() -> None:
    file = io.BytesIO(encoded(PHOTO, "PNG"))
    file.seek(17)
    assert open_image(file).size == PHOTO.size
    assert file.tell() == 17


def test_sharing_copies_nothing_and_is_off_unless_it_is_asked_for() -> None:
    assert open_image(PHOTO, share=True) is PHOTO
    assert open_image(PHOTO) is not PHOTO
    turned = PHOTO.copy()
    turned.getexif()[0x0112] = 6
    assert open_image(turned, share=True).size == PHOTO.size[::-1]
    assert exif()[0x0112] == 6


def test_the_switches_of_the_process_are_back_afterwards() -> None:
    """Warnings, Pillow's log and libtiff's handler, with threads that come and go together."""
    damaged = [contents[:-90] for contents in files().values()]
    start = threading.Barrier(4)

    def read() -> None:
        start.wait()
        for contents in damaged:
            with contextlib.suppress(ImageError):
                open_image(contents)

    handler = image_files._libtiff_reports_to(None)
    image_files._libtiff_reports_to(handler)
    filters, log = list(warnings.filters), logging.getLogger("PIL.TiffImagePlugin")
    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == filters
    assert not log.filters
    after = image_files._libtiff_reports_to(handler)
    assert after == handler
