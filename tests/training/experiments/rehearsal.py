"""A rehearsal of an experiment, checked for what every reader of its JSON relies on."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any


def rehearse(module: ModuleType, data_dir: Path, folder: Path, *more: str) -> dict[str, Any]:
    """Run an experiment's command with ``--quick`` and return its JSON.

    Args:
        module: of the experiment.
        data_dir: with its data.
        folder: where the JSON goes.
        more: further arguments.
    """
    arguments = ["--data-dir", str(data_dir), "--folder", str(folder), "--quick", *more]
    assert module.main(arguments) == 0
    content = json.loads((folder / f"{module.NAME}.json").read_text())
    assert content["finding"].endswith(".")
    assert "nan" not in content["finding"]
    assert content["limits"].endswith(".")
    return content
