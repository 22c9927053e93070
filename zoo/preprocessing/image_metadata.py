"""Take out of an image file what lies beside its pixels: EXIF, text, colour profiles, previews.

A photo whose workflow text is too long for Pillow, or whose EXIF block is cut, is a good photo.
"""

from __future__ import annotations

from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
# The chunks that make the pixels; tRNS is their transparency, eXIf says which side is up.
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
# JPEG's segments APP0 to APP15 and COM, without APP0 (JFIF) and APP14 (which tells CMYK from RGB).
_BESIDE = {*range(0xE1, 0xEE), 0xEF, 0xFE}
_START_OF_SCAN = 0xDA


def removed(contents: bytes) -> bytes | None:
    """Return a PNG or JPEG file without its metadata; None for others, and where there is none.

    Args:
        contents: An image file, damaged as it may be.
    """
    if contents.startswith(_PNG):
        parts = [chunk for kind, chunk in _chunks(contents) if kind in _PIXELS]
        shorter = _PNG + b"".join(parts)
    elif contents.startswith(_JPEG):
        shorter = _JPEG + b"".join(part for kind, part in _segments(contents) if not _beside(kind))
    else:
        return None
    return shorter if len(shorter) < len(contents) else None


def _chunks(contents: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind of each of a PNG's chunks, and the chunk: length, kind, data, checksum."""
    start = len(_PNG)
    while start + 8 <= len(contents):
        end = start + 12 + int.from_bytes(contents[start : start + 4], "big")
        yield contents[start + 4 : start + 8], contents[start:end]
        start = end


def _segments(contents: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the kind of each of a JPEG's segments, and the segment; at last the whole scan."""
    start = len(_JPEG)
    while start + 4 <= len(contents) and contents[start] == 0xFF:
        kind = contents[start + 1]
        if kind == _START_OF_SCAN:
            break
        end = start + 2 + int.from_bytes(contents[start + 2 : start + 4], "big")
        yield kind, contents[start:end]
        start = end
    yield _START_OF_SCAN, contents[start:]


def _beside(kind: int) -> bool:
    return kind in _BESIDE
