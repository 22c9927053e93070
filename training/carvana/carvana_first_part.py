"""A run that begins with its second part, because another run was its first one.

The second part begins with the average that the first one gave, and without momentum: the weights
of a finished run hold all that it needs. Whoever has them, such as a model's folder in
``zoo/bundle``, need not compute them again, and what comes out is what a run from nothing gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from training.carvana.carvana_settings import CarvanaRecipe
from training.engine.failures import TrainingError
from training.engine.init_from import take_weights
from training.engine.recipe_json import plain
from training.engine.student import Student

KEPT = ("command", "git_commit", "started", "hardware", "versions", "compute", "resumed")


def adopt(
    folder: Path, student: Student[nn.Module], recipe: CarvanaRecipe, progress: Mapping[str, Any]
) -> dict[str, Any]:
    """Give a run's student the result of its first part; return the run's progress there.

    Args:
        folder: of the finished run: its weights and its record. It stays as it is.
        student: takes the weights.
        recipe: of the run that begins.
        progress: of that one; see `training.engine.loop.begin`.

    Raises:
        TrainingError: if there is no such run, or it was another one than the first part of this.
    """
    record, kept = take_weights(student.network, folder)
    identity = progress["identity"]
    earlier = record.get("recipe", {})
    own = {key: value for key, value in earlier.items() if not key.startswith("second_")}
    same = (
        not earlier.get("second_epochs", 0)
        and _holds(plain(recipe.first_part), own)
        and all(record.get(key) == identity[key] for key in identity.keys() - {"recipe"})
    )
    history = record.get("history", [])
    if not same or not recipe.second_epochs or len(history) != recipe.first_part.epochs:
        raise TrainingError(
            f"The run in {folder} is no first part of this one: it differs in recipe, seed or "
            "data; leave --first-part out to start from nothing."
        )
    student.restart_average()
    first = {key: value for key, value in record.items() if key in KEPT}
    first["weights"] = kept["weights"]
    place = {"history": history, "step": recipe.first_steps, "partial": {}}
    return dict(progress) | place | {"record": progress["record"] | {"first_part": first}}


def _holds(today: Any, then: Any) -> bool:
    """Return whether today's settings hold all of then's; what came later is off by default."""
    if isinstance(today, Mapping) and isinstance(then, Mapping):
        return all(key in today and _holds(today[key], value) for key, value in then.items())
    return bool(today == then)
