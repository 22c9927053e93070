"""A run that begins where another one stands, because up to there both would be the same.

``--preset long`` differs from the main recipe only after the small images. Whoever has a checkpoint
of a main run from that time need not compute it again: what comes out is the run from nothing, with
all its state, and not a second run on the first one's weights as with ``--init-from``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.carvana.carvana_settings import RECIPE, CarvanaRecipe
from training.engine.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from training.engine.failures import TrainingError
from training.engine.recipe_json import plain

KEPT = ("command", "git_commit", "started", "hardware", "versions", "compute")


def adopt(
    folder: Path, out: Path, recipe: CarvanaRecipe, progress: Mapping[str, Any],
    earlier: CarvanaRecipe = RECIPE,
) -> None:  # fmt: skip
    """Write a run's first checkpoint: that of another run, under this one's name.

    Args:
        folder: of the other run, whose checkpoint is taken. It stays as it is.
        out: of the run that begins.
        recipe: of that one.
        progress: of that one; see `training.engine.loop.begin`.
        earlier: the other run's recipe, its architecture aside.

    Raises:
        TrainingError: if there is no checkpoint, or up to there this run would have been another.
    """
    groups, found = load_checkpoint(folder / CHECKPOINT)
    identity = progress["identity"]
    earlier = replace(earlier, architecture=recipe.architecture)
    same = (
        _holds(plain(earlier), found["identity"]["recipe"])
        and all(found["identity"].get(key) == identity[key] for key in identity.keys() - {"recipe"})
        and found["identity"].keys() == identity.keys()
    )
    if not same or not recipe.agrees_until(earlier, found["step"]):
        raise TrainingError(
            f"The run in {folder} is no first part of this one: after {found['step']} steps it "
            "differs in recipe, seed or data; leave --first-part out to start from nothing."
        )
    first = {key: value for key, value in found["record"].items() if key in KEPT}
    first |= {"epochs": len(found["history"]), "resumed": found.get("resumed", [])}
    record = progress["record"] | {"first_part": first}
    kept = {key: found[key] for key in ("history", "step", "partial")}
    save_checkpoint(out / CHECKPOINT, groups, dict(progress) | kept | {"record": record})


def _holds(today: Any, then: Any) -> bool:
    """Return whether today's settings hold all of then's; what came later is off by default."""
    if isinstance(today, Mapping) and isinstance(then, Mapping):
        return all(key in today and _holds(today[key], value) for key, value in then.items())
    return bool(today == then)
