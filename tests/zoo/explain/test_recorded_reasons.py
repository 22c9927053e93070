"""What explains the samples' answers is recorded, for the bundled weights and no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.explain import recorded_reasons
from zoo.preprocessing.images import crop_square
from zoo.samples import samples


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_every_sample_has_its_reasons_as_they_would_be_computed(name: str) -> None:
    model = zoo.load(name, source="bundle", device="cpu")
    assert isinstance(model, zoo.Classifier)
    found = recorded_reasons.recorded(model, zoo.info(name).sha256)
    assert found, "run python -m training.metrics.reason_record after new weights"
    images = [sample.read() for sample in samples(zoo.info(name).samples)]
    views = [model.model_input_image(crop_square(zoo.open_image(image))) for image in images]
    for view in views:
        assert recorded_reasons.holds(found, view)
        assert recorded_reasons.key(view, model.predict(view).label) in found
    view, label = views[4], model.predict(views[4]).label
    drop, _ = found[recorded_reasons.key(view, label)]
    computed = zoo.explain.occlusion(model, view, label, **recorded_reasons.settings(model))
    np.testing.assert_allclose(drop, computed, atol=1e-4)
    assert not recorded_reasons.holds(found, 255 - view)


def test_other_weights_and_a_damaged_record_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, sha256 = zoo.load("mnist", source="bundle"), zoo.info("mnist").sha256
    assert recorded_reasons.recorded(model, "0" * 64) == {}
    contents = recorded_reasons.path_of("mnist").read_bytes()
    monkeypatch.setattr(recorded_reasons, "FOLDER", tmp_path)
    assert recorded_reasons.recorded(model, sha256) == {}
    for damaged in (b"", b"no file", contents[:200], contents[:-9]):
        recorded_reasons.path_of("mnist").write_bytes(damaged)
        assert recorded_reasons.recorded(model, sha256) == {}
