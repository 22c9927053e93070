"""A config whose input or answers are not those of its network is refused before it is used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import zoo
from zoo.weights.catalog import read_catalog


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("cifar10", {"channels": 1, "mean": [0.5], "std": [0.2]}, "input of 1×32×32, which the"),
        ("carvana", {"channels": 1, "mean": [0.5], "std": [0.2]}, "input of 1×64×64, which the"),
        ("cifar10", {"height": 1, "width": 1}, "input of 3×1×1, which the network does not take"),
        ("cifar10", {"height": 64, "width": 48}, None),  # any size that it can take
    ],
)
def test_preprocessing_of_another_network(
    name: str, changes: dict[str, object], said: str | None, tmp_path: Path
) -> None:
    folder = tmp_path / name
    shutil.copytree(read_catalog().bundle / name, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["preprocessing"] |= changes
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    if said is None:
        assert zoo.load(name, source=folder, device="cpu").labels
        return
    with pytest.raises(zoo.IntegrityError, match=said):
        zoo.load(name, source=folder, device="cpu")
