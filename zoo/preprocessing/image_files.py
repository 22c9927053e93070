"""From whatever a person hands in to decoded pixels, upright, or to one :class:`ImageError`.

The order of the checks matters: the header is read first, and an image whose header promises too
many pixels is refused before a single one is decoded. Pillow alone only warns between 89 and 179
megapixels.

Pillow's readers raise errors of a dozen kinds on damaged files, and so do the parsers of what lies
beside the pixels (EXIF, text, colour profiles). Damage beside the pixels costs nothing: they are
read without it. All other damage ends in one sentence.
"""

from __future__ import annotations

import ctypes
import io
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError, _imaging, features

from zoo.errors import ImageError
from zoo.preprocessing import image_metadata

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | Image.Image | np.ndarray | Any"

MAX_PIXELS = 64_000_000  # more than phones deliver by default; 256 MB as Pillow's RGB
MAX_BYTES = 64 * 2**20
MIN_SIDE = 8
# What browsers and cameras write. The others that Pillow knows are rare, and some of their readers
# start other programs (EPS).
FORMATS = (
    *("PNG", "JPEG", "GIF", "BMP", "TIFF"),
    *(name for name in ("WEBP", "AVIF") if features.check(name.lower())),
)
_DAMAGED = "The image is damaged or incomplete: save or send it again."
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(source: ImageSource) -> Image.Image:
    """Return a source's first frame, decoded and upright, in the mode that its file has.

    Args:
        source: As for :func:`zoo.preprocessing.images.open_image`.

    Returns:
        An image of at least 8 × 8 pixels, not to be written to: it may be the one that was handed
        in, or share the memory of an array. Its ``info`` holds ``transparency`` at most, if it is
        a new one.

    Raises:
        ImageError: The source is no image, is damaged, too large or too small.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    with _one_sentence(), _quiet:
        if isinstance(source, Image.Image):
            return _from_pillow(source)
        return _from_contents(_contents(source))


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Turn whatever a reader raises into an ImageError."""
    try:
        yield
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError(_too_large("more than 179 megapixels")) from None
    except MemoryError:
        raise ImageError(
            "The image does not fit into this machine's free memory: use a smaller one."
        ) from None
    except Exception:  # each reader raises errors of its own kinds
        raise ImageError(_DAMAGED) from None


def _nothing(record: logging.LogRecord) -> bool:
    """Let no line of a log through; a filter."""
    return False


class _Quiet:
    """Keep what Pillow and libtiff say about damaged files off stderr: the caller gets a sentence.

    These are switches of the whole process, so they are thrown by the first thread that comes in
    and set back by the last that goes out; a ``catch_warnings`` a thread would leave them wrong.
    """

    _LOG = logging.getLogger("PIL.TiffImagePlugin")  # the one reader that keeps one

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._before: int | None = None
        self._warnings: warnings.catch_warnings[None] | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            self._warnings = warnings.catch_warnings()
            self._warnings.__enter__()
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we check ourselves
            self._before = _libtiff_reports_to(None)
            self._LOG.addFilter(_nothing)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._warnings is not None:
                self._LOG.removeFilter(_nothing)
                _libtiff_reports_to(self._before)
                self._warnings.__exit__(None, None, None)


def _libtiff_reports_to(handler: int | None) -> int | None:
    """Set where libtiff reports errors, None for nowhere; return where it did before.

    Pillow's C module is linked to it; where the linker hides the name (Windows), nothing happens.
    """
    try:
        switch = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
    except (OSError, AttributeError):
        return None
    switch.restype, switch.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    before: int | None = switch(handler)
    return before


_quiet = _Quiet()


def _contents(source: Any) -> bytes:
    if isinstance(source, bytes | bytearray | memoryview):
        contents = bytes(source)
    elif isinstance(source, str | os.PathLike):
        contents = _read_file(Path(source))
    elif hasattr(source, "read"):
        contents = _read_stream(source)
    else:
        raise ImageError(
            f"A {type(source).__name__} is no image: "
            "give a path, bytes, a PIL.Image or a uint8 array."
        )
    if not contents:
        raise ImageError("The file is empty: choose an image (PNG, JPEG, GIF or WebP).")
    if len(contents) > MAX_BYTES:
        raise ImageError(f"The file is larger than {MAX_BYTES // 2**20} MiB: choose a smaller one.")
    return contents


def _read_file(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise ImageError(f"{path} is a folder: name one image in it.")
        if path.exists() and not path.is_file():
            raise ImageError(f"{path} is not an ordinary file: name an image.")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ImageError(f"There is no file {path}: check the path.") from None
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:  # a null byte in the path
        raise ImageError("That path is not valid: check it.") from None


def _read_stream(file: Any) -> bytes:
    """Read an open file from its beginning, and leave it where it was."""
    at = None
    try:
        if hasattr(file, "seek"):
            with suppress(OSError, ValueError):  # a pipe cannot be wound back
                at = file.tell() if hasattr(file, "tell") else 0
                file.seek(0)  # an uploaded file that somebody has read before
        contents = file.read(MAX_BYTES + 1)
        if at is not None:
            file.seek(at)
    except (OSError, ValueError) as error:  # closed, or its disk is gone
        reason = " ".join(str(error).split()).rstrip(".")
        raise ImageError(f"The file cannot be read ({reason}): open it again.") from None
    if isinstance(contents, str):
        raise ImageError("The file is open as text: open it in binary mode ('rb').")
    if not isinstance(contents, bytes | bytearray | memoryview):
        raise ImageError(f"Reading the file gave a {type(contents).__name__} instead of bytes.")
    return bytes(contents)


def _from_contents(contents: bytes) -> Image.Image:
    """Decode a file; where that fails, once more without what lies beside the pixels."""
    try:
        return _decode_file(contents)
    except (ImageError, Image.DecompressionBombError, MemoryError):
        raise
    except Exception as error:
        pixels_alone = image_metadata.removed(contents)
        if pixels_alone is None and isinstance(error, UnidentifiedImageError):
            raise ImageError(_no_image(contents)) from None
        if pixels_alone is None:
            raise
    return _decode_file(pixels_alone)


def _decode_file(contents: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(contents), formats=FORMATS)
    _check_size(*image.size)
    image.load()
    _check_size(*image.size)  # some readers know it only now
    return _upright(image, own=True)


def _no_image(contents: bytes) -> str:
    if contents[4:8] == b"ftyp" and contents[8:12] in _HEIC:
        return "This is a HEIC image, which is not read here: save or send it as JPEG."
    return "This is not an image that can be read: choose a PNG, JPEG, GIF or WebP file."


def _from_pillow(image: Image.Image) -> Image.Image:
    """Decode the first frame of an image that is somebody else's, and leave that as it is."""
    _check_size(*image.size)
    if image.tell() == 0:
        image.load()
        return _upright(image, own=False)
    at, pixels = image.tell(), None
    with suppress(Exception):  # damage in the frame that it is at is none of ours
        image.load()
        pixels = image.im.copy()  # readers decode the next frame into the same memory
    try:
        image.seek(0)
        frame = _upright(image.copy(), own=True)
    finally:
        image.seek(at)
        if pixels is not None:
            image.load()
            image.im = pixels  # what was drawn on that frame would be lost else
    _check_size(*frame.size)
    return frame


def _upright(image: Image.Image, own: bool) -> Image.Image:
    """Turn an image as its EXIF block says; an orientation that cannot be read is none.

    ``ImageOps.exif_transpose`` also writes the block anew, which fails for many that are read well.
    An image of our own loses all metadata, so that it is not turned once more later.
    """
    orientation = None
    with suppress(Exception):  # struct.error, ValueError, SyntaxError …
        exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation)
        if own and ExifTags.Base.Orientation in exif:
            del exif[ExifTags.Base.Orientation]
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    if turn is None and not own:
        return image
    transparency = image.info.get("transparency")
    result = image if turn is None else image.transpose(turn)
    result.info = {} if transparency is None else {"transparency": transparency}
    return result


def _from_array(array: np.ndarray) -> Image.Image:
    if array.dtype != np.uint8:
        raise ImageError(
            f"The array is {array.dtype}, and images are uint8 from 0 to 255: "
            "convert it, for values from 0 to 1 with (255 * array).astype(np.uint8)."
        )
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and not (array.ndim == 3 and array.shape[2] in (3, 4)):
        raise ImageError(
            f"An array of shape {array.shape} is no image: "
            "use (height, width), (height, width, 3) or (height, width, 4)."
        )
    _check_size(array.shape[1], array.shape[0])
    return Image.fromarray(np.ascontiguousarray(array))


def _check_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"The image has {width} × {height} pixels, too few to show anything: "
            f"use at least {MIN_SIDE} × {MIN_SIDE}."
        )
    if width * height > MAX_PIXELS:
        raise ImageError(_too_large(f"{width} × {height} pixels"))


def _too_large(what: str) -> str:
    return f"The image has {what}: use one of at most {MAX_PIXELS // 10**6} megapixels."
