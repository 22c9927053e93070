"""Whatever is wrong with a file, reading it ends in an image or in one sentence."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.zoo.preprocessing.damaged import PHOTO, encoded, exif, files, mutations
from zoo.errors import ImageError
from zoo.preprocessing.images import open_image

FILES = files()


@pytest.mark.parametrize("kind", FILES)
def test_damage_ends_in_an_image_or_in_one_sentence(
    kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert len(FILES) >= 15
    assert open_image(FILES[kind]).mode == "RGB"
    read = refused = 0
    for damaged in mutations(FILES[kind], 200, seed=zlib.crc32(kind.encode())):
        try:
            image = open_image(damaged)
        except ImageError as error:
            refused += is_one_sentence(str(error))
        else:
            read += 1
            assert image.mode == "RGB"
            np.asarray(image)
    assert read + refused == 200
    assert refused > 10  # the damage was real
    assert read > 0
    assert capfd.readouterr().err == "", "a library wrote into the server's log"


def is_one_sentence(text: str) -> bool:
    return text.endswith(".") and len(text.splitlines()) == 1


def png(**options: object) -> bytes:
    return encoded(PHOTO, "PNG", **options)


def long_texts(length: int, count: int) -> bytes:
    texts = PngImagePlugin.PngInfo()
    for number in range(count):
        texts.add_itxt(f"text {number}", "x" * length, zip=True)
    return png(pnginfo=texts)


GOOD_PIXELS = {
    "a text of 3 MB": lambda: long_texts(3_000_000, 1),
    "80 texts of 1 MB": lambda: long_texts(1_000_000, 80),
    "a profile of 2 MB": lambda: png(icc_profile=bytes(2_000_000)),
    "no EXIF in EXIF": lambda: png(exif=b"Exif\0\0garbage here"),
    "a damaged text": lambda: broken_text(),
    "EXIF twice": lambda: png(exif=b"Exif\0\0Exif\0\0II*\0\x08\0\0\0\0\0"),
    "byte order": lambda: encoded(PHOTO, "WEBP", lossless=True, exif=b"Exif\0\0XX*\0\x08\0\0\0"),
}


def broken_text() -> bytes:
    """A text chunk whose compressed text is none, its checksum right."""
    body = b"zTXtComment\0\0no zlib"
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    good = png()
    return good[:33] + chunk + good[33:]  # behind the header


@pytest.mark.parametrize("name", GOOD_PIXELS)
def test_good_pixels_beside_damaged_metadata_are_read(name: str) -> None:
    np.testing.assert_array_equal(np.asarray(open_image(GOOD_PIXELS[name]())), np.asarray(PHOTO))


def test_an_exif_block_that_cannot_be_written_again_still_turns_the_image() -> None:
    """A resolution of 72 / 0 beside the orientation: the tag is there, the block is odd."""
    entries = b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" + b"\x1a\x01\x05\0\x01\0\0\0\x26\0\0\0"
    block = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + entries + b"\0\0\0\0" + b"\x48\0\0\0\0\0\0\0"
    for kind in ("JPEG", "WEBP", "PNG"):
        assert open_image(encoded(PHOTO, kind, exif=block)).size == PHOTO.size[::-1]


def test_changed_exif_bytes_cost_no_image() -> None:
    """As case 03: of photos whose EXIF block alone is damaged, every one is read."""
    rng, small = np.random.default_rng(1), PHOTO.resize((16, 12))
    good = exif().tobytes()
    for number in range(600):
        block = bytearray(good)
        for _ in range(int(rng.integers(1, 5))):
            block[int(rng.integers(6, len(block)))] = int(rng.integers(256))
        contents = encoded(small, ("JPEG", "PNG", "WEBP")[number % 3], exif=bytes(block))
        assert sorted(open_image(contents).size) == [12, 16]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_image_is_turned_once(kind: str) -> None:
    turned = open_image(encoded(PHOTO, kind, exif=exif()))
    assert turned.size == PHOTO.size[::-1]
    again = open_image(turned)
    assert again.size == turned.size
    np.testing.assert_array_equal(np.asarray(again), np.asarray(turned))


def test_a_heic_file_is_called_by_its_name() -> None:
    with pytest.raises(ImageError, match=r"HEIC image.*as JPEG"):
        open_image(b"\0\0\0\x18ftypheic" + bytes(200))


def test_a_closed_file_and_an_odd_one_get_a_sentence() -> None:
    closed = io.BytesIO(png())
    closed.close()
    with pytest.raises(ImageError, match="cannot be read"):
        open_image(closed)
    with pytest.raises(ImageError, match="open as text"):
        open_image(io.StringIO("text"))


def test_what_pillow_raises_on_an_image_of_somebody_elses_gets_a_sentence() -> None:
    with Image.open(io.BytesIO(png()[:-400])) as cut, pytest.raises(ImageError, match="damaged"):
        open_image(cut)
