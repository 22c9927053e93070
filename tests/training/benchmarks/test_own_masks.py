"""The proof for somebody's own masks: its collections, and what its table holds."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from training.benchmarks import own_masks
from training.data import street_photos
from training.engine.failures import TrainingError
from training.segmentation.mask_pairs import find_pairs


def photo(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (300, 200), (shade, shade, 255)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_leafs_mask_is_where_the_photo_changed() -> None:
    """The masks are right to the edge: the drawing alone differs from the plain photo."""
    image, mask = own_masks.with_leaves(np.random.default_rng(3), photo(120))
    assert 0.02 < mask.mean() < 0.7
    blue = np.asarray(image, int)[..., 2]  # no leaf has as much blue as the photo
    assert ((blue < 200) == mask).mean() > 0.995


def test_the_collections_are_pairs_that_the_command_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tuple(photo(shade) for shade in range(80, 84))
    monkeypatch.setattr(street_photos, "load_backgrounds", lambda folder: photos)
    assert own_masks.write_folders(own_masks.leaves(tmp_path, 4), tmp_path) == 4
    assert len(find_pairs(tmp_path / "images", tmp_path / "masks").pairs) == 4
    with pytest.raises(TrainingError, match="has 4 photos without cars, and 60 are needed"):
        next(own_masks.leaves(tmp_path, 60))


def test_what_is_measured_is_kept_when_the_second_training_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes of the first are not spent again, and the second failure loses nothing."""
    pair = ("a", photo(1), photo(2))
    monkeypatch.setattr(own_masks, "leaves", lambda folder, count: iter([pair]))
    monkeypatch.setattr(own_masks, "cars", lambda folder, count: iter([pair, pair]))
    asked: list[str] = []
    fails = [True]

    def learn(name: str, folder: Path, more: list[str]) -> dict[str, Any]:
        asked.append(" ".join([name, *more]))
        if name == "cars" and fails.pop():
            raise TrainingError("stopped")
        return {"iou": 0.97, "worst": 0.9, "constant_iou": 0.2, "held_out": 8, "minutes": 7.0}

    monkeypatch.setattr(own_masks, "learn", learn)
    arguments = ["--data-dir", str(tmp_path), "--out", str(tmp_path / "run"),
                 "--folder", str(tmp_path)]  # fmt: skip
    with pytest.raises(TrainingError, match="stopped"):
        own_masks.main(arguments)
    fails.append(False)
    assert own_masks.main(arguments) == 0
    assert asked == [
        "leaves --init-from carvana",
        "cars --group ^[0-9a-f]+",
        "cars --group ^[0-9a-f]+",
    ]
    recorded = json.loads((tmp_path / "own_masks.json").read_text())
    assert [row["start"] for row in recorded["rows"]] == ["carvana", "nothing"]
    assert "97.0 % on 8 held-out images after 7.0 minutes" in recorded["finding"].replace(
        "\xa0", " "
    )
