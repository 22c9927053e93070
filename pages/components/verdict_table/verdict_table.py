"""Claims with their verdicts; a row leads to its figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pages.components.register import component

_mount = component("verdict_table")


@dataclass(frozen=True)
class VerdictRow:
    """One claim.

    Attributes:
        claim: What is said.
        source: Who said it.
        url: Of the source; "" for none.
        verdict: A word or two.
        kind: What the verdict's colour says: ``"yes"``, ``"no"``, ``"tie"``, ``"mixed"`` or
            ``"few"``.
        number: What decided.
        anchor: Of the figure on the same page.
    """

    claim: str
    source: str
    url: str
    verdict: str
    kind: str
    number: str
    anchor: str


def show(key: str, rows: Sequence[VerdictRow]) -> None:
    """Draw the table.

    Args:
        key: Streamlit's key.
        rows: From top to bottom.
    """
    _mount(key=key, data={"rows": [asdict(row) for row in rows]})
