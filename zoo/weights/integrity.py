"""Files that are what they claim: read once, compared in size and SHA-256 with what is pinned.

What is parsed afterwards is those same bytes: what was hashed is what is used, even if the file on
the disk changes in between.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from zoo.errors import IntegrityError
from zoo.weights.model_info import FileInfo

MAX_SIZE = 2**40  # bytes of one file


def read_verified(path: Path, pin: FileInfo, advice: str) -> bytes:
    """Read a file once and return its bytes if they are the pinned ones.

    Args:
        path: The file.
        pin: Its size and SHA-256 in the catalog.
        advice: What a user should do about a bad file, ``"install the package again"``.

    Raises:
        IntegrityError: The file is missing, or its size or SHA-256 differs.
    """
    contents = read_bytes(path, advice, limit=pin.size)
    verify(contents, pin, str(path), advice)
    return contents


def matches(contents: bytes, pin: FileInfo) -> bool:
    """Whether ``contents`` has the pinned size and SHA-256."""
    return len(contents) == pin.size and hashlib.sha256(contents).hexdigest() == pin.sha256


def verify(contents: bytes, pin: FileInfo, where: str, advice: str) -> None:
    """Raise :class:`IntegrityError` unless ``contents`` has the pinned size and SHA-256."""
    if len(contents) != pin.size:
        raise IntegrityError(f"{where} has not the {pin.size:,} bytes that are pinned; {advice}.")
    digest = hashlib.sha256(contents).hexdigest()
    if digest != pin.sha256:
        raise IntegrityError(
            f"{where} is damaged or was changed: its sha256 is {digest[:12]}…, "
            f"{pin.sha256[:12]}… is pinned; {advice}."
        )


def read_bytes(path: Path, advice: str, limit: int = -1) -> bytes:
    """Read a file; with a limit, one byte more at the most, enough to see that it is too long."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1 if limit >= 0 else -1)
    except FileNotFoundError:
        raise IntegrityError(f"{path} is missing; {advice}.") from None
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read ({error.strerror}); {advice}.") from None


def parse_json(contents: bytes, where: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        IntegrityError: It is none, it holds NaN or Infinity, or it is nested too deep to be read.
    """

    def refuse(number: str) -> None:
        raise ValueError(f"{number} is no number")

    try:
        value = json.loads(contents, parse_constant=refuse)
    except RecursionError:
        raise IntegrityError(f"{where} is nested too deep to be read.") from None
    except ValueError as error:
        raise IntegrityError(f"{where} is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise IntegrityError(f"{where} is not a JSON object.")
    return value
