"""Means over seeds in a sentence, each with its 95 % interval; and what is a tie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from zoo.experiments.spread import TIE, difference, mean_of, verdict


def percent(values: Sequence[float] | float, digits: int = 1) -> str:
    """Return fractions as text, such as "82.1 ± 0.4 %"; of a single one without an interval."""
    found = mean_of(values if isinstance(values, Sequence) else [values])
    around = "" if math.isinf(found.half) else f" ± {100 * found.half:.{digits}f}"
    return f"{100 * found.mean:.{digits}f}{around} %"


def ties(groups: Mapping[str, Sequence[float]], first: str) -> list[str]:
    """Return the names of the groups that cannot be told from one of them.

    Args:
        groups: repetitions by name.
        first: the name of the one that the others are compared with.
    """
    return [
        name
        for name, values in groups.items()
        if name != first and verdict([difference(values, groups[first])]) == TIE
    ]


def tie_sentence(names: Sequence[str], first: str) -> str:
    """Say in a sentence which are ties; "" if none is."""
    if not names:
        return ""
    return f" No measurable difference from {first}: {', '.join(names)}."
