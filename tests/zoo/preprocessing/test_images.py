import io
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.errors import ImageError
from zoo.preprocessing.images import crop_square, fit, normalize, open_image


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes whose header promises any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
    data = zlib.compress(b"\0" * 1000)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_opens_what_people_have(kind: str, tmp_path: Path) -> None:
    contents = encoded(PHOTO, kind)
    path = tmp_path / "image"
    path.write_bytes(contents)
    for source in (contents, path, str(path), io.BytesIO(contents), Image.open(path)):
        assert open_image(source).size == (60, 40)
        assert open_image(source, "L").mode == "L"


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1), (20, 30, 3), (20, 30, 4)])
def test_opens_uint8_arrays(shape: tuple[int, ...]) -> None:
    image = open_image(np.full(shape, 255, np.uint8))
    assert image.mode == "RGB"
    assert image.size == (30, 20)
    assert np.asarray(image).min() == 255


BAD_FILES = {
    "empty": (b"", "file is empty"),
    "text": (b"hello, I am text\n" * 20, "not an image that can be read"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image that can be read"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "not an image"),
    "truncated JPEG": (encoded(PHOTO, "JPEG")[:-300], "damaged or incomplete"),
    "truncated PNG": (encoded(PHOTO)[:-2000], "damaged or incomplete"),
    "bomb": (bomb(9_000, 9_000), "at most 64 megapixels"),
    "huge bomb": (bomb(100_000, 100_000), "at most 64 megapixels"),
    "one pixel": (encoded(PHOTO.crop((0, 0, 1, 1))), "1 × 1 pixels, too few"),
    "a line": (encoded(PHOTO.crop((0, 0, 60, 1))), "60 × 1 pixels, too few"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_one_sentence(name: str) -> None:
    contents, message = BAD_FILES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a bomb must not get as far as Pillow's warning
        with pytest.raises(ImageError, match=message) as error:
            open_image(contents)
    assert "\n" not in str(error.value)


BAD_ARRAYS = {
    "float": (np.zeros((28, 28)), r"float64.*\(255 \* array\)"),
    "nan": (np.full((28, 28), np.nan, np.float32), "float32"),
    "int64": (np.zeros((28, 28), np.int64), "int64"),
    "bool": (np.zeros((28, 28), bool), "bool"),
    "one axis": (np.zeros(784, np.uint8), r"shape \(784,\)"),
    "batch": (np.zeros((2, 28, 28, 3), np.uint8), r"shape \(2, 28, 28, 3\)"),
    "two channels": (np.zeros((28, 28, 2), np.uint8), r"shape \(28, 28, 2\)"),
    "channels first": (np.zeros((3, 28, 28), np.uint8), r"shape \(3, 28, 28\)"),
    "empty": (np.zeros((0, 28), np.uint8), "28 × 0 pixels"),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_a_bad_array_is_one_sentence(name: str) -> None:
    array, message = BAD_ARRAYS[name]
    with pytest.raises(ImageError, match=message):
        open_image(array)


def test_a_bad_path_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="There is no file"):
        open_image(tmp_path / "nothing.png")
    with pytest.raises(ImageError, match="is a folder"):
        open_image(tmp_path)
    with pytest.raises(ImageError, match="path is not valid"):
        open_image("a\0b")
    with pytest.raises(ImageError, match="A NoneType is no image"):
        open_image(None)


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    contents = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.asarray(open_image(contents))[10, 10].tolist() == [255, 0, 0]
    moved = Image.open(io.BytesIO(contents))
    moved.seek(1)
    assert np.asarray(open_image(moved))[10, 10].tolist() == [255, 0, 0]


def test_cmyk_becomes_rgb() -> None:
    red = encoded(Image.new("RGB", (20, 20), "red").convert("CMYK"), "JPEG")
    r, g, b = np.asarray(open_image(red))[10, 10].tolist()
    assert r > 240
    assert max(g, b) < 20


def test_16_bit_gray_is_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)
    pixels = np.asarray(open_image(encoded(Image.fromarray(ramp)), "L"))
    np.testing.assert_allclose(pixels, ramp / 257, atol=1)


def test_transparency_is_laid_onto_white() -> None:
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (0, 0, 10, 20))
    palette = clear.quantize(8)
    for source in (clear, encoded(clear), encoded(palette), encoded(clear, "WEBP", lossless=True)):
        pixels = np.asarray(open_image(source))
        assert pixels[10, 15].tolist() == [255, 255, 255]
        assert pixels[10, 5].tolist() == [0, 0, 255]


def test_the_cameras_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[274] = 6  # turn by 90 degrees
    assert open_image(encoded(PHOTO, "JPEG", exif=exif)).size == (40, 60)


def test_the_source_is_left_alone() -> None:
    array = np.zeros((20, 20), np.uint8)
    open_image(array).putpixel((0, 0), (9, 9, 9))
    assert array.max() == 0


def test_fit_crops_the_centre() -> None:
    wide = Image.new("RGB", (60, 20), "white")
    wide.paste("black", (20, 0, 40, 20))
    assert np.asarray(fit(wide, 10, 10)).max() < 30


def test_normalize_gives_channels_first_float32() -> None:
    result = normalize(Image.new("RGB", (4, 3), (255, 0, 51)), (0.5, 0.0, 0.2), (0.5, 1.0, 0.1))
    assert result.shape == (3, 3, 4)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[:, 0, 0], [1, 0, 0], atol=1e-6)


def test_a_square_is_cut_out_where_it_was_asked_for() -> None:
    wide = Image.fromarray(np.arange(30 * 20, dtype=np.uint16).reshape(20, 30).astype(np.uint8))
    whole = np.asarray(wide)
    np.testing.assert_array_equal(crop_square(wide), whole[:, 5:25])
    np.testing.assert_array_equal(crop_square(wide, x=0), whole[:, :20])
    np.testing.assert_array_equal(crop_square(wide, x=1), whole[:, 10:])
    np.testing.assert_array_equal(crop_square(wide, 0, 1, 0.5), whole[10:, :10])
    np.testing.assert_array_equal(crop_square(wide.rotate(90, expand=True), y=1).size, (20, 20))


def test_a_square_in_the_middle_is_what_the_network_gets_anyway() -> None:
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8))
    square, whole = np.asarray(fit(crop_square(photo), 32, 32)), np.asarray(fit(photo, 32, 32))
    # At the border `fit` also looks at what lies beyond it.
    np.testing.assert_array_equal(square[3:-3, 3:-3], whole[3:-3, 3:-3])


@pytest.mark.parametrize("wrong", [(-3, 0.5, 1), (9, 9, 9), (0.5, 0.5, 0), (0.5, 0.5, -1)])
def test_a_square_out_of_range_is_brought_into_the_image(wrong: tuple[float, ...]) -> None:
    square = crop_square(Image.new("L", (30, 20)), *wrong)
    assert square.width == square.height
    assert 8 <= square.width <= 20
