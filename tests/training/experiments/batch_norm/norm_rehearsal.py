"""An experiment of this room as a rehearsal, and what holds of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from training.data.image_batches import batches
from training.experiments.batch_norm import small_training
from training.experiments.batch_norm.small_network import Design

TINY = Design(widths=(8, 16, 16))


def run(module: Any, data_dir: Path, folder: Path) -> dict[str, Any]:
    torch.set_num_threads(1)
    with mock.patch.object(small_training, "batches", few):  # an epoch in twos is 64 of them
        assert module.main(["--data-dir", str(data_dir), "--folder", str(folder), "--quick"]) == 0
    return json.loads((folder / f"{module.NAME}.json").read_text())


def few(*which: Any) -> Iterator[Any]:
    """The first batches of an epoch."""
    return islice(batches(*which), 8)


def check(content: dict[str, Any]) -> None:
    """What every page and reader relies on."""
    assert content["question"].endswith("?")
    assert content["finding"].endswith(".")
    assert content["rows"]
    assert "nan" not in content["finding"]
    assert content["quick"] is True
    assert content["measured_on"].startswith("CIFAR-10")
    assert content["hardware"]["cpu"]
