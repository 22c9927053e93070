"""A recipe, which is a dataclass, as JSON for a record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any


def plain(recipe: Any) -> dict[str, Any]:
    """Return a recipe as JSON gives it back: mappings of plain values, lists instead of tuples."""
    return dict(json.loads(json.dumps(asdict(recipe))))


def completed(recorded: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded recipe with the settings that it is older than, at their defaults.

    That is why the default of a new setting must leave everything as it was without it.

    Args:
        recorded: as `plain` gave it, in this version or an earlier one.
        defaults: what `plain` gives for a recipe of that kind in which nothing was chosen.
    """
    merged = dict(defaults)
    for key, value in recorded.items():
        default = defaults.get(key)
        if isinstance(value, Mapping) and isinstance(default, Mapping):
            value = completed(value, default)
        merged[key] = value
    return merged
