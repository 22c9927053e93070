from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.zoo.explain import networks
from zoo.errors import ZooError
from zoo.explain import recorded_activations, top_activations
from zoo.explain.subject import trace
from zoo.samples.sets import image_set


@pytest.mark.parametrize("name", ["digits", "objects", "unet"])
def test_peaks_are_the_largest_values_and_their_places(name: str) -> None:
    network, _ = networks.make(name)
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((70, *networks.SHAPES[name])).astype(np.float32)  # two batches
    if name == "unet":
        inputs = inputs[:3]
    found = top_activations(network, inputs)
    last = len(inputs) - 1
    run = trace(network, inputs[last])
    assert set(found) == {layer.name for layer in run.layers}
    for layer in run.layers:
        values = run[layer.name]
        flat = values.reshape(len(values), -1)
        np.testing.assert_allclose(found[layer.name].values[last], flat.max(axis=1), atol=1e-4)
        assert found[layer.name].values.shape == (len(inputs), len(values))
        best = found[layer.name].best(0, 2)
        assert best[0][0] == int(found[layer.name].values[:, 0].argmax())
        image, row, column = best[1]
        again = trace(network, inputs[image])[layer.name][0]
        peak = again[row, column] if again.ndim == 2 else again
        assert float(peak) == pytest.approx(float(again.max()), abs=1e-4)


def test_no_images_get_a_sentence() -> None:
    network, inputs = networks.make("digits")
    with pytest.raises(ZooError, match="N of at least 1"):
        top_activations(network, inputs)


def test_the_strongest_answers_are_the_best_of_each_channel() -> None:
    network, _ = networks.make("digits")
    rng = np.random.default_rng(1)
    found = top_activations(network, rng.standard_normal((9, 1, 28, 28)).astype(np.float32))
    for layer in found.values():
        kept = layer.strongest(4)
        for channel in range(layer.values.shape[1]):
            assert [answer[:3] for answer in kept.of(channel)] == layer.best(channel, 4)
            values = [answer[3] for answer in kept.of(channel)]
            assert values == sorted(layer.values[:, channel], reverse=True)[:4]


def test_what_was_recorded_for_the_bundled_weights_is_what_they_answer() -> None:
    model = zoo.load("mnist", source="bundle", device="cpu")
    sha256 = zoo.info("mnist").sha256
    found = recorded_activations.recorded("mnist", sha256, "mnist")
    assert found, "run python -m training.metrics.top_activation_record after new weights"
    images = image_set("mnist").images
    maps = {}
    for number in {answer[0] for answer in found["relu2"].of(5)}:
        maps[number] = zoo.explain.activations(model, images[number])["relu2"][5]
    for number, row, column, value in found["relu2"].of(5):
        assert maps[number][row, column] == pytest.approx(value, rel=1e-4)
        assert maps[number].max() == pytest.approx(value, rel=1e-4)


def test_a_record_of_other_weights_or_images_and_a_damaged_one_count_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = zoo.info("mnist").sha256
    assert recorded_activations.recorded("mnist", "0" * 64, "mnist") is None
    assert recorded_activations.recorded("mnist", sha256, "cifar10") is None
    assert recorded_activations.recorded("no model", sha256, "mnist") is None
    contents = recorded_activations.path_of("mnist").read_bytes()
    monkeypatch.setattr(recorded_activations, "FOLDER", tmp_path)
    for damaged in (b"", b"no file", contents[:200], contents[:-9]):
        recorded_activations.path_of("mnist").write_bytes(damaged)
        assert recorded_activations.recorded("mnist", sha256, "mnist") is None
