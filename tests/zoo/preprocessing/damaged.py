"""Image files in the forms that people have, and ways to damage them, from a seed."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image, PngImagePlugin, features

PIXELS = np.random.default_rng(0).integers(0, 256, (36, 44, 3), np.uint8)
PHOTO = Image.fromarray(PIXELS).resize((88, 72))


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.copy().save(file, kind, **options)  # saving leaves settings behind in an image
    return file.getvalue()


def exif() -> Image.Exif:
    block = Image.Exif()
    block[0x0112], block[0x010F], block[0x011A] = 6, "Maker", 72.0
    return block


def frames() -> dict[str, object]:
    return {"save_all": True, "append_images": [PHOTO.rotate(90), PHOTO.rotate(180)]}


def files() -> dict[str, bytes]:
    """Return more than twenty kinds of good files."""
    gray, palette, clear = PHOTO.convert("L"), PHOTO.quantize(16), PHOTO.convert("RGBA")
    clear.putalpha(gray)
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 200)
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt("workflow", "x" * 300, zip=True)
    texts.add_text("Comment", "y" * 50)
    found = {
        "PNG": encoded(PHOTO, "PNG"),
        "PNG gray 16 bits": encoded(deep, "PNG"),
        "PNG palette, transparent": encoded(palette, "PNG", transparency=3),
        "PNG alpha, texts, EXIF, profile": encoded(
            clear, "PNG", pnginfo=texts, exif=exif(), icc_profile=bytes(400)
        ),
        "PNG 1 bit": encoded(gray.convert("1"), "PNG"),
        "PNG animated": encoded(PHOTO, "PNG", **frames()),
        "JPEG": encoded(PHOTO, "JPEG"),
        "JPEG gray": encoded(gray, "JPEG"),
        "JPEG progressive, EXIF": encoded(PHOTO, "JPEG", progressive=True, exif=exif()),
        "JPEG CMYK": encoded(PHOTO.convert("CMYK"), "JPEG"),
        "JPEG of two (MPO)": encoded(PHOTO, "MPO", **frames()),
        "GIF": encoded(palette, "GIF", transparency=2),
        "GIF animated": encoded(PHOTO, "GIF", **frames(), disposal=2),
        "BMP": encoded(PHOTO, "BMP"),
        "BMP palette": encoded(palette, "BMP"),
        "TIFF": encoded(PHOTO, "TIFF", exif=exif()),
        "TIFF LZW": encoded(PHOTO, "TIFF", compression="tiff_lzw"),
        "TIFF deflate, 16 bits": encoded(deep, "TIFF", compression="tiff_adobe_deflate"),
        "TIFF JPEG": encoded(PHOTO, "TIFF", compression="jpeg"),
        "TIFF fax": encoded(gray.convert("1"), "TIFF", compression="group4"),
        "TIFF pages": encoded(PHOTO, "TIFF", **frames()),
        "TIFF float": encoded(Image.fromarray(PIXELS[:, :, 0] / np.float32(255)), "TIFF"),
        "WebP": encoded(PHOTO, "WEBP", exif=exif()),
        "WebP lossless": encoded(clear, "WEBP", lossless=True),
        "WebP animated": encoded(PHOTO, "WEBP", **frames()),
    }
    if features.check("avif"):
        found["AVIF"] = encoded(PHOTO, "AVIF", exif=exif())
    return found


def mutations(good: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Yield damaged copies: bytes changed anywhere, headers changed, cut, parts zeroed or doubled.

    Args:
        good: A good file.
        count: How many copies.
        seed: The same copies for the same seed.
    """
    rng = np.random.default_rng(seed)
    for number in range(count):
        bad = bytearray(good)
        at, length = int(rng.integers(len(bad))), int(rng.integers(1, 40))
        match number % 5:
            case 0:
                for place in rng.integers(len(bad), size=int(rng.integers(1, 9))):
                    bad[place] ^= 1 << int(rng.integers(8))
            case 1:
                for place in rng.integers(min(len(bad), 200), size=int(rng.integers(1, 5))):
                    bad[place] = int(rng.integers(256))
            case 2:
                del bad[at:]
            case 3:
                bad[at : at + length] = bytes(len(bad[at : at + length]))
            case _:
                bad[at:at] = bad[at : at + length] if number % 2 else rng.bytes(length)
        yield bytes(bad)
