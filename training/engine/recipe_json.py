"""A recipe, which is a dataclass, as JSON for a record."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any


def plain(recipe: Any) -> dict[str, Any]:
    """Return a recipe as JSON gives it back: mappings of plain values, lists instead of tuples."""
    return dict(json.loads(json.dumps(asdict(recipe))))
