"""Names for files that are made of somebody's image, good on every system.

An image may be called anything: the bytes of another encoding, 255 of them, ``aux.jpg``, which
Windows takes for a device, a name with a line break. What is saved after it can be opened, copied
and zipped everywhere.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

# Longest stem in bytes of UTF-8: file systems allow 255 (encrypted ones 143) for the whole name,
# and a number and "_background.jpg" follow.
_LONGEST = 120
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\.|$)", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')


def stem(image: str) -> str:
    """Return an image's file name without folders and ending, safe to begin a file name with.

    Args:
        image: Any name or path, of any system.

    Example:
        >>> stem("C:\\\\photos\\\\street 1.jpg"), stem("aux.jpg"), stem("")
        ('street 1', 'image-aux', 'image')
    """
    name = PurePosixPath(image.replace("\\", "/").replace("\0", "")).stem
    kept = "".join("_" if _is_unfit(letter) else letter for letter in name)
    short = kept.encode()[:_LONGEST].decode(errors="ignore").strip(" ")
    # A hidden file, an option of a command, a dot that Windows drops.
    short = re.sub(r"^[.\-~]+", "_", short).rstrip(". ")
    if not short:
        return "image"
    return f"image-{short}" if _DEVICES.match(short) else short


def _is_unfit(letter: str) -> bool:
    """Tell whether a letter may not be in a name: forbidden, invisible, or half of something."""
    return bool(_FORBIDDEN.match(letter)) or unicodedata.category(letter) in (
        "Cc",
        "Cs",
        "Zl",
        "Zp",
    )


def unique(image: str, ending: str, taken: set[str] | None = None) -> str:
    """Return a file name for what is made of an image: its stem, a number if needed, an ending.

    Args:
        image: The image's name.
        ending: Such as ``"_mask.png"``.
        taken: Keys of the names that are in use, to which the new one's is added. Names that differ
            in capitals or in how an accent is written are one file on many systems.
    """
    first = stem(image)
    name, number = first + ending, 1
    while taken is not None and _key(name) in taken:
        number += 1
        name = f"{first}-{number}{ending}"
    if taken is not None:
        taken.add(_key(name))
    return name


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
