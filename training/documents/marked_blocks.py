"""Generated blocks in a document that people write: what stands between two markers is replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping

from training.engine.failures import TrainingError

_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)


def fill(text: str, blocks: Mapping[str, str], where: str = "The document") -> str:
    """Return a document whose marked blocks hold what was generated for them.

    Args:
        text: the document, with ``<!-- generated: NAME -->`` … ``<!-- end: NAME -->``.
        blocks: by name; each name stands once in the document, and no other.
        where: what the error calls the document.

    Raises:
        TrainingError: a marker is missing, or one has no block.

    Example:
        >>> print(fill("<!-- generated: x -->\\n1\\n<!-- end: x -->", {"x": "2"}))
        <!-- generated: x -->
        2
        <!-- end: x -->
    """
    found = [name for _, name, _ in _BLOCK.findall(text)]
    if sorted(found) != sorted(blocks):
        raise TrainingError(
            f"{where} has the blocks {', '.join(found) or 'none'}, and these are generated: "
            f"{', '.join(blocks)}; correct the markers."
        )
    return _BLOCK.sub(lambda m: f"{m[1]}{blocks[m[2]].strip()}\n{m[3]}", text)
