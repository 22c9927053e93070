"""An experiment of this room as a rehearsal, and what holds of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from training.experiments.batch_norm.small_network import Design

TINY = Design(widths=(8, 16, 16))


def run(module: Any, data_dir: Path, folder: Path) -> dict[str, Any]:
    torch.set_num_threads(1)
    assert module.main(["--data-dir", str(data_dir), "--folder", str(folder), "--quick"]) == 0
    return json.loads((folder / f"{module.NAME}.json").read_text())


def check(content: dict[str, Any]) -> None:
    """What every page and reader relies on."""
    assert content["question"].endswith("?")
    assert content["finding"].endswith(".")
    assert content["rows"]
    assert "nan" not in content["finding"]
    assert content["quick"] is True
    assert content["measured_on"].startswith("CIFAR-10")
    assert content["hardware"]["cpu"]
