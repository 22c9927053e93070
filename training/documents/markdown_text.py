"""Numbers and tables as the documents and the model card write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.records import cores_used


def percent(value: float, digits: int = 2) -> str:
    """Return a fraction as per cent.

    >>> percent(0.98679)
    '98.68 %'
    """
    return f"{100 * value:.{digits}f} %"


def megabytes(size: int) -> str:
    """Return a number of bytes as people read it.

    >>> megabytes(19_334_192), megabytes(1_013)
    ('19.3 MB', '1 kB')
    """
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB"


def duration(seconds: float) -> str:
    """Return a time in the unit that fits it.

    >>> duration(50.6), duration(1181.7), duration(12098.1)
    ('51 s', '20 min', '3.4 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def hardware(record: Mapping[str, Any]) -> str:
    """Return what a record was made on: "AMD EPYC, 2 cores"."""
    found = record["hardware"]
    return str(found.get("gpu") or f"{found['cpu']}, {cores_used(record)}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; a bar inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def code(language: str, text: str) -> str:
    """Return a block of code."""
    return f"```{language}\n{text}\n```"
