"""Find the reader of the data that a model was trained on, by its config."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from training.engine.failures import TrainingError


def reader(config: Mapping[str, Any]) -> Any:
    """Return the module of `training.data` that reads a model's data.

    Such a module has ``DESCRIPTION`` and ``load(data_dir, split)``.

    Args:
        config: the model's ``config.json``; ``config["data"]["reader"]`` names the module.

    Raises:
        TrainingError: there is none, so that the model cannot be measured here.
    """
    name = (config.get("data") or {}).get("reader")
    if isinstance(name, str) and re.fullmatch(r"[a-z0-9_]+", name):
        try:
            module = import_module(f"training.data.{name}")
        except ModuleNotFoundError:
            module = None
        if hasattr(module, "load"):
            return module
    raise TrainingError(
        f"{config.get('model')} names no data that can be read here (data.reader in its "
        "config.json), so it cannot be measured."
    )
