"""What a batch makes of an answer is recorded, for the bundled weights and no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.batch_norm import companies
from zoo.samples.sets import image_set

MODEL = "cifar10"
SHA256, IMAGES = zoo.info(MODEL).sha256, zoo.info(MODEL).image_set


def test_the_record_holds_what_would_be_computed() -> None:
    found = companies.recorded(MODEL, SHA256, IMAGES)
    assert found, "run python -m training.metrics.company_record after new weights"
    model, images = zoo.load(MODEL, source="bundle", device="cpu"), image_set(IMAGES)
    assert sorted(found["order"]) == list(range(companies.LOOKED_AT))
    first = int(found["order"][0])
    assert {f"{first} {size}" for size in companies.SIZES} <= set(found)
    assert found[f"{first} 1"].shape == (1, len(model.labels))
    assert found[f"{first} 16"].shape == (companies.DRAWS, len(model.labels))
    assert model.predict(images.images[first]).label == images.names[images.labels[first]]
    said = found[f"{first} 16"].argmax(axis=1)
    assert (said != images.labels[first]).any()  # why it comes first
    inputs = model.preprocessing.normalize_batch(images.images[: 4 * companies.LOOKED_AT])
    again = companies.answers_in(model.network, inputs, first, 2)
    np.testing.assert_allclose(found[f"{first} 2"], again, atol=1e-3)


def test_other_weights_images_and_a_damaged_record_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert companies.recorded(MODEL, "0" * 64, IMAGES) == {}
    assert companies.recorded(MODEL, SHA256, "mnist") == {}
    contents = companies.path_of(MODEL).read_bytes()
    monkeypatch.setattr(companies, "FOLDER", tmp_path)
    assert companies.recorded(MODEL, SHA256, IMAGES) == {}
    for damaged in (b"", b"no file", contents[:200], contents[:-9]):
        companies.path_of(MODEL).write_bytes(damaged)
        assert companies.recorded(MODEL, SHA256, IMAGES) == {}
