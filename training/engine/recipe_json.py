"""A recipe, which is a dataclass, as JSON for a record; and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

R = TypeVar("R")


def plain(recipe: Any) -> dict[str, Any]:
    """Return a recipe as JSON gives it back: mappings of plain values, lists instead of tuples."""
    return dict(json.loads(json.dumps(asdict(recipe))))


def read_recipe(kind: type[R], values: Mapping[str, Any]) -> R:
    """Return the recipe that `plain` made these values of.

    A record may be older than a setting; that setting then has its default.

    Args:
        kind: the recipe's dataclass; its settings may be dataclasses, too.
        values: what a record says under ``recipe``.

    Raises:
        TypeError: if a setting is not one of the recipe's.
    """
    hints = get_type_hints(kind)
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(values.keys() - known):
        raise TypeError(f"{kind.__name__} has no setting {', '.join(unknown)}")
    return kind(**{name: _setting(hints[name], value) for name, value in values.items()})


def _setting(hint: Any, value: Any) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return read_recipe(hint, value)
    return tuple(value) if isinstance(value, list) else value
